package kernel

import "unsafe"

// Products whose operands are rounded to bfloat16 are computed by tiles: of the
// operand called rows, 16 vectors by 32 steps of k, one vector to each line of 64
// bytes; of the one called columns, the same elements with a pair of steps of all 16
// vectors to each line. 32 vectors side by side are a panel, two tiles for every 32
// steps; where 16 or fewer columns are left, the second tiles are not looked at.
const (
	tileSide  = 16
	tileDepth = 32
	tileBytes = 2 * tileSide * tileDepth
	tileSums  = tileSide * tileSide

	panelSide  = 2 * tileSide
	panelBytes = 2 * tileBytes
	panelSums  = 4 * tileSums // tiles of the first 16 columns before those of the second
)

// A tileCall is the product of a panel of rows by panels of columns.
type tileCall struct {
	a      unsafe.Pointer // the panel of rows
	aRow   int            // bytes from one of its vectors to the next
	aStep  int            // from 32 elements of k to the next
	aHalf  int            // from the first 16 vectors to the others
	b      unsafe.Pointer // panels of columns
	bPanel int            // bytes from one to the next
	c      *float32       // panelSums floats for each
	panels int
	half   int // 1 if a panel of 16 columns follows
	steps  int // tiles along k
	load   int // 1 if the sums go on from those at c

	fetch    unsafe.Pointer // memory that is needed soon; the addresses need not be valid
	fetchRow int            // bytes from one row of it to the next: two for each panel

	_ int // room for a counter of the assembly
}

// A packCall packs a panel of rows. If a is set, it multiplies the panel there by a
// column meanwhile: what tileVector does with a tileCall.
type packCall struct {
	dst    *byte          // tiles of a panel
	src    unsafe.Pointer // the first row
	row    int            // bytes from one row to the next
	count  int            // rows, up to 32
	blocks int            // in a row
	ahead  int            // how many bytes behind a block the one is that will be packed in its place next

	a     unsafe.Pointer // a panel of rows packed before
	b     unsafe.Pointer
	c     *float32
	load  int
	tiles int // two for each step along k
}

// columns sets the number of panels.
func (call *tileCall) columns(n int) {
	call.panels, call.half = n/panelSide, 0
	if rest := n % panelSide; rest > tileSide {
		call.panels++
	} else if rest > 0 {
		call.half = 1
	}
}

// tileProductGeneric computes, for every vector i of a and j of b,
//
//	for each tile along k:
//		even, odd = 0, 0
//		for t in the tile, two by two:
//			even = fma(a[i][t], b[j][t], even)
//			odd = fma(a[i][t+1], b[j][t+1], odd)
//		c[i][j] += even + odd
//
// as TDPBF16PS does it, subnormal numbers being zero.
func tileProductGeneric(call *tileCall) {
	at, c := call.b, call.c
	for p := range call.panels + call.half {
		halves := 2
		if p == call.panels {
			halves = 1
		}
		for h := range halves {
			for r := range 2 {
				sums := unsafe.Slice((*float32)(unsafe.Add(unsafe.Pointer(c), 4*tileSums*(2*h+r))), tileSums)
				tileGeneric(call, sums, unsafe.Add(call.a, r*call.aHalf), unsafe.Add(at, h*tileBytes))
			}
		}
		at, c = unsafe.Add(at, call.bPanel), (*float32)(unsafe.Add(unsafe.Pointer(c), 4*panelSums))
	}
}

// tileGeneric computes one tile of sums.
func tileGeneric(call *tileCall, sums []float32, a, b unsafe.Pointer) {
	if call.load == 0 {
		clear(sums)
	}
	var column [tileDepth]float32
	for s := range call.steps {
		columns := unsafe.Slice((*uint16)(unsafe.Add(b, s*panelBytes)), tileBytes/2)
		for j := range tileSide {
			for t := range column {
				column[t] = flush(brainToFloat(columns[t/2*2*tileSide+2*j+t%2]))
			}
			for i := range tileSide {
				row := unsafe.Slice((*uint16)(unsafe.Add(a, i*call.aRow+s*call.aStep)), tileDepth)
				sums[i*tileSide+j] = flush(sums[i*tileSide+j] + dotTile(row, &column))
			}
		}
	}
}

// dotTile is the sum over one tile along k.
func dotTile(row []uint16, column *[tileDepth]float32) float32 {
	var even, odd float32
	for t := 0; t < tileDepth; t += 2 {
		even = flush(even + float32(flush(brainToFloat(row[t]))*column[t]))
		odd = flush(odd + float32(flush(brainToFloat(row[t+1]))*column[t+1]))
	}
	return flush(even + odd)
}

// tileVectorGeneric is tileProductGeneric for one column, whose elements follow each
// other; c has the sums of 32 rows.
func tileVectorGeneric(call *tileCall) {
	sums := unsafe.Slice(call.c, panelSide)
	if call.load == 0 {
		clear(sums)
	}
	var column [tileDepth]float32
	for s := range call.steps {
		for t, v := range unsafe.Slice((*uint16)(unsafe.Add(call.b, s*2*tileDepth)), tileDepth) {
			column[t] = flush(brainToFloat(v))
		}
		for i := range sums {
			at := i/tileSide*call.aHalf + i%tileSide*call.aRow + s*call.aStep
			row := unsafe.Slice((*uint16)(unsafe.Add(call.a, at)), tileDepth)
			sums[i] = flush(sums[i] + dotTile(row, &column))
		}
	}
}

// flush turns subnormal numbers into zero.
func flush(v float32) float32 {
	if abs(v) < 0x1p-126 {
		return 0
	}
	return v
}
