// Fovea runs, trains and measures vision-language models.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. A command is a struct with a Run method.
type cli struct {
	Ask     askCmd     `cmd:"" help:"Answer a question about pictures."`
	Train   trainCmd   `cmd:"" help:"Train a model by a recipe; goes on where an earlier run of it stopped."`

	Workers int              `help:"CPU cores to use; 0 uses all." default:"0" env:"FOVEA_WORKERS"`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser := kong.Must(&c,
		kong.Name("fovea"),
		kong.Description("Fovea runs, trains and measures vision-language models."),
		kong.UsageOnError(),
		kong.Vars{"version": version()},
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	k, err := parser.Parse(os.Args[1:])
	parser.FatalIfErrorf(err)
	if err := k.Run(&globals{Workers: c.Workers}); err != nil {
		fmt.Fprintln(os.Stderr, "fovea:", err)
		if errors.Is(err, context.Canceled) {
			os.Exit(130)
		}
		os.Exit(1)
	}
}

// version is the module's, or the commit's when built from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
