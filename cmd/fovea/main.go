// Fovea runs, trains and measures vision-language models.
package main

//go:generate sh -c "go run . models --markdown > ../../docs/models.md"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the whole command line. A command is a struct with a Run method.
type cli struct {
	Ask        askCmd        `cmd:"" help:"Answer a question about pictures."`
	Chat       chatCmd       `cmd:"" help:"Talk with a model about pictures."`
	Train      trainCmd      `cmd:"" help:"Train a model by a recipe; goes on where an earlier run stopped."`
	Eval       evalCmd       `cmd:"" help:"Measure a model on a benchmark."`
	Mix        mixCmd        `cmd:"" help:"Mix the weights of models of one kind."`
	Match      matchCmd      `cmd:"" help:"Tell how well texts and pictures go together."`
	Classify   classifyCmd   `cmd:"" help:"Sort pictures into classes that are only named."`
	Embed      embedCmd      `cmd:"" help:"Print the embeddings of pictures and texts."`
	Models     modelsCmd     `cmd:"" help:"List the models that can be opened."`
	Inspect    inspectCmd    `cmd:"" help:"Tell what is in a checkpoint and what memory it takes."`
	Bench      benchCmd      `cmd:"" help:"Measure the speed of a model on this machine."`
	Quantize   quantizeCmd   `cmd:"" help:"Write a model as GGUF files, in a type that takes less memory."`
	Merge      mergeCmd      `cmd:"" help:"Add LoRA weights to a model's and write the sum."`
	Verify     verifyCmd     `cmd:"" help:"Compare a model, stage by stage, with what a reference implementation computed."`
	Data       dataCmd       `cmd:"" help:"Make, check, convert and look at data."`
	Completion completionCmd `cmd:"" help:"Print the completion script of a shell."`

	Workers int              `help:"CPU cores to use; 0 uses all." default:"0" placeholder:"N" env:"FOVEA_WORKERS"`
	Version kong.VersionFlag `help:"Print the version and exit."`
}

// Exit statuses besides 0.
const (
	exitFailure     = 1
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports a process that SIGINT ended
)

const about = `Fovea runs, trains and measures vision-language models on the CPU, without anything else installed.`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var c cli
	parser := newParser(&c)
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "fovea: %v; see %s --help\n", err, commandPath(err))
		return exitUsage
	}
	switch err := k.Run(&globals{Workers: c.Workers}); {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	default:
		fmt.Fprintln(os.Stderr, "fovea:", oneLine(err))
		return exitFailure
	}
}

func newParser(c *cli) *kong.Kong {
	return kong.Must(c,
		kong.Name("fovea"),
		kong.Description(about),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Groups{"sampling": "Sampling (greedy without these):"},
		kong.Vars{"version": version()},
		kong.BindSingletonProvider(interruptible),
	)
}

// interruptible is the context of commands that ask for one: the first SIGINT or
// SIGTERM cancels it, the second ends the process.
func interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// commandPath is the command that a parse error arose in.
func commandPath(err error) string {
	var e *kong.ParseError
	if errors.As(err, &e) && e.Context != nil && e.Context.Selected() != nil {
		return "fovea " + e.Context.Selected().Path()
	}
	return "fovea"
}

// oneLine keeps errors that list several things on a line of their own.
func oneLine(err error) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), "\n\t", "; ")), " ")
}

// version is the module's, or the commit's when built from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "fovea, version unknown"
	}
	return fmt.Sprintf("fovea %s (%s)", info.Main.Version, info.GoVersion)
}
