package kernel

import "unsafe"

// What to do with sums where c is.
const (
	putStore = iota
	putAdd
	putStream // store, around the caches: only if tiles are as wide as their lines
)

// streamBytes is the size of a c that no cache near a core would hold: writing it around
// them saves reading its lines first.
const streamBytes = 1 << 20

// put stores the sums of panels [lo, hi) of rows and of cols columns from j0 of the
// pass on, along rows of c.
func (g *tileTask) put(sums []float32, lo, hi, j0, cols int) {
	if g.flip {
		g.putFlipped(sums, lo, hi, j0, cols)
		return
	}
	panel := ceilDiv(cols, panelSide) * panelSums
	to := g.s0 + j0
	for r := lo * panelSide; r < min(hi*panelSide, g.r); r += tileSide {
		rows := min(tileSide, g.r-r)
		tiles := sums[(r/panelSide-lo)*panel+r%panelSide/tileSide*tileSums:]
		if rows == tileSide {
			tileLines(g.c[r*g.ldc+to:], g.ldc, tiles, cols, g.mode(), g.biasAt(to))
			continue
		}
		for j := 0; j < cols; j += tileSide {
			tileOut(g.c[r*g.ldc+to+j:], g.ldc, tiles[j/tileSide*2*tileSums:], rows, min(tileSide, cols-j), g.keep, g.biasAt(to+j))
		}
	}
}

// mode is what to do with the sums of whole tiles.
func (g *tileTask) mode() int {
	switch {
	case g.keep:
		return putAdd
	case 4*g.r*g.s >= streamBytes:
		return putStream
	}
	return putStore
}

// putFlipped is put where rows of tiles are columns of c.
func (g *tileTask) putFlipped(sums []float32, lo, hi, j0, cols int) {
	panel := ceilDiv(cols, panelSide) * panelSums
	r := lo * panelSide
	n := min(hi*panelSide, g.r) - r
	for j := 0; j < cols; j += tileSide {
		tiles := sums[j/tileSide*2*tileSums:]
		at := (g.s0 + j0 + j) * g.ldc
		tileFlipped(g.c[at+r:], g.ldc, tiles, panel, min(tileSide, cols-j), n, g.mode(), g.biasAt(r))
	}
}

// biasAt is where the bias of column j of c begins, nil if there is none.
func (g *tileTask) biasAt(j int) *float32 {
	if g.bias == nil {
		return nil
	}
	return &g.bias[j]
}

// tileOutGeneric stores a tile of sums to c, or adds it. A bias, if there is one, has a
// float for each column of c.
func tileOutGeneric(c []float32, ldc int, tile []float32, rows, cols int, add bool, bias *float32) {
	for i := range rows {
		for j := range cols {
			putSum(c, i*ldc+j, tile[i*tileSide+j], j, add, bias)
		}
	}
}

// tileLinesGeneric stores 16 rows of tiles that are side by side, or adds them.
func tileLinesGeneric(c []float32, ldc int, tiles []float32, cols, mode int, bias *float32) {
	for i := range tileSide {
		for j := range cols {
			putSum(c, i*ldc+j, tiles[(j/tileSide*2*tileSide+i)*tileSide+j%tileSide], j, mode == putAdd, bias)
		}
	}
}

// tileFlippedGeneric stores the transposes of tiles that are below each other to rows of
// c, or adds them; pairs of tiles are panel floats apart.
func tileFlippedGeneric(c []float32, ldc int, tiles []float32, panel, rows, cols, mode int, bias *float32) {
	for i := range rows {
		for j := range cols {
			tile := tiles[j/panelSide*panel+j%panelSide/tileSide*tileSums:]
			putSum(c, i*ldc+j, tile[j%tileSide*tileSide+i], j, mode == putAdd, bias)
		}
	}
}

// putSum stores a sum of column j to an element of c, or adds it.
func putSum(c []float32, at int, v float32, j int, add bool, bias *float32) {
	if bias != nil {
		v += *(*float32)(unsafe.Add(unsafe.Pointer(bias), 4*j))
	}
	if add {
		v += c[at]
	}
	c[at] = v
}
