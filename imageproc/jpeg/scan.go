package jpeg

import (
	"errors"
	"fmt"
)

// maxScans bounds the work that a small file can ask for; encoders write some ten.
const maxScans = 200

// scan is one pass over the picture.
type scan struct {
	*decoder
	parts                  []part
	first, last, high, low int // coefficients, and bits that were and are sent
	decode                 func(p *part, b *block) error
}

// part is a component in a scan.
type part struct {
	*component
	index  int
	dc, ac *huffman
}

// scan reads one scan.
func (d *decoder) scan(header []byte) error {
	s := &scan{decoder: d}
	if err := s.open(header); err != nil {
		return err
	}
	if d.scanned++; d.scanned > maxScans {
		return fmt.Errorf("jpeg: more than %d scans", maxScans)
	}
	d.restart()
	cols, rows := (d.w+8*d.maxH-1)/(8*d.maxH), (d.h+8*d.maxV-1)/(8*d.maxV)
	alone := len(s.parts) == 1
	if alone {
		cols, rows = s.parts[0].wide, s.parts[0].high
	}
	for mcu := range cols * rows {
		if d.interval > 0 && mcu > 0 && mcu%d.interval == 0 {
			if err := d.resync(mcu/d.interval - 1); err != nil {
				return err
			}
		}
		x, y := mcu%cols, mcu/cols
		for i := range s.parts {
			p := &s.parts[i]
			h, v := p.h, p.v
			if alone {
				h, v = 1, 1
			}
			for k := range h * v {
				if err := s.blockAt(p, x*h+k%h, y*v+k/h); err != nil {
					return err
				}
			}
		}
	}
	d.bits, d.held = 0, 0
	return nil
}

// blockAt decodes a block. One that is whole at once becomes samples at once.
func (s *scan) blockAt(p *part, col, row int) error {
	if s.progressive {
		return s.decode(p, &p.blocks[row*p.cols+col])
	}
	var b block
	if err := s.whole(p, &b); err != nil {
		return err
	}
	idct(p.pix[8*(row*8*p.cols+col):], 8*p.cols, &b, s.quant[p.table])
	return nil
}

// open reads the scan's header.
func (s *scan) open(header []byte) error {
	if len(header) < 1 || len(header) != 4+2*int(header[0]) || header[0] == 0 || int(header[0]) > len(s.comps) {
		return errors.New("jpeg: bad scan header")
	}
	n := int(header[0])
	blocks := 0
	for i := range n {
		id, tables := int(header[1+2*i]), header[2+2*i]
		p := part{index: -1}
		for k := range s.comps {
			if s.comps[k].id == id {
				p.component, p.index = &s.comps[k], k
			}
		}
		if p.index < 0 || tables>>4 > 3 || tables&15 > 3 {
			return fmt.Errorf("jpeg: a scan names component %d and tables %#x", id, tables)
		}
		for _, other := range s.parts {
			if other.index == p.index {
				return fmt.Errorf("jpeg: a scan names component %d twice", id)
			}
		}
		p.dc, p.ac = s.dc[tables>>4], s.ac[tables&15]
		s.parts = append(s.parts, p)
		p.seen = true
		blocks += p.h * p.v
	}
	if n > 1 && blocks > 10 {
		return errors.New("jpeg: more than 10 blocks in a unit of a scan")
	}
	rest := header[1+2*n:]
	s.first, s.last, s.high, s.low = int(rest[0]), int(rest[1]), int(rest[2]>>4), int(rest[2]&15)
	return s.check()
}

// check settles how blocks are decoded, and that there are tables for it.
func (s *scan) check() error {
	needsDC, needsAC := true, true
	if !s.progressive {
		for _, p := range s.parts {
			if s.quant[p.table] == nil {
				return fmt.Errorf("jpeg: there is no quantisation table %d", p.table)
			}
		}
	} else {
		if s.last > 63 || s.first > s.last || s.low > 13 || s.high > 13 || s.high != 0 && s.low != s.high-1 || s.first == 0 && s.last != 0 || s.first > 0 && len(s.parts) > 1 {
			return fmt.Errorf("jpeg: a progressive scan of %d components, coefficients %d to %d and bits %d to %d", len(s.parts), s.first, s.last, s.high, s.low)
		}
		needsDC, needsAC = s.first == 0 && s.high == 0, s.first > 0
		switch {
		case s.first == 0 && s.high == 0:
			s.decode = s.dcFirst
		case s.first == 0:
			s.decode = s.dcRefine
		case s.high == 0:
			s.decode = s.acFirst
		default:
			s.decode = s.acRefine
		}
	}
	for _, p := range s.parts {
		if needsDC && p.dc == nil || needsAC && p.ac == nil {
			return errors.New("jpeg: a scan names a Huffman table that the file does not have")
		}
	}
	return nil
}

// restart forgets what blocks depend on.
func (d *decoder) restart() {
	d.bits, d.held, d.ended, d.eobRun = 0, 0, false, 0
	d.pred = [4]int32{}
}

// resync goes on behind restart marker number n.
func (d *decoder) resync(n int) error {
	for d.at < len(d.data) && d.data[d.at] != 0xff {
		d.at++
	}
	for d.at < len(d.data) && d.data[d.at] == 0xff {
		d.at++
	}
	if d.at >= len(d.data) {
		return ErrTruncated
	}
	if m := d.data[d.at]; int(m) != rst0+n%8 {
		return fmt.Errorf("jpeg: marker %#x where restart %d should be", m, n%8)
	}
	d.at++
	d.restart()
	return nil
}

// dcValue decodes a DC coefficient.
func (d *decoder) dcValue(p *part) (int32, error) {
	n, err := d.symbol(p.dc)
	if err != nil {
		return 0, err
	}
	if n > 15 {
		return 0, errCode
	}
	diff, err := d.number(int(n))
	d.pred[p.index] += diff
	return d.pred[p.index], err
}

// whole decodes all coefficients of a block.
func (s *scan) whole(p *part, b *block) error {
	dc, err := s.dcValue(p)
	if err != nil {
		return err
	}
	b[0] = int16(dc)
	for k := 1; k < 64; k++ {
		rs, err := s.symbol(p.ac)
		if err != nil {
			return err
		}
		run, size := int(rs>>4), int(rs&15)
		if size == 0 {
			if run != 15 {
				return nil
			}
			k += 15
			continue
		}
		if k += run; k > 63 {
			return errCode
		}
		v, err := s.number(size)
		if err != nil {
			return err
		}
		b[natural[k]] = int16(v)
	}
	return nil
}

func (s *scan) dcFirst(p *part, b *block) error {
	dc, err := s.dcValue(p)
	b[0] = int16(dc << s.low)
	return err
}

func (s *scan) dcRefine(_ *part, b *block) error {
	bit, err := s.take(1)
	b[0] |= int16(bit << s.low)
	return err
}

func (s *scan) acFirst(p *part, b *block) error {
	if s.eobRun > 0 {
		s.eobRun--
		return nil
	}
	for k := s.first; k <= s.last; k++ {
		rs, err := s.symbol(p.ac)
		if err != nil {
			return err
		}
		run, size := int(rs>>4), int(rs&15)
		if size == 0 {
			if run < 15 {
				return s.endOfBlocks(run, 1)
			}
			k += 15
			continue
		}
		if k += run; k > s.last {
			return errCode
		}
		v, err := s.number(size)
		if err != nil {
			return err
		}
		b[natural[k]] = int16(v << s.low)
	}
	return nil
}

// endOfBlocks notes that a run of blocks ends here, of which some are done.
func (s *scan) endOfBlocks(run, done int) error {
	extra, err := s.take(run)
	s.eobRun = 1<<run + int(extra) - done
	return err
}

// acRefine adds a bit to coefficients that are not zero, and new ones of size 1.
func (s *scan) acRefine(p *part, b *block) error {
	k := s.first
	for s.eobRun == 0 && k <= s.last {
		rs, err := s.symbol(p.ac)
		if err != nil {
			return err
		}
		run, value := int(rs>>4), int16(0)
		switch rs & 15 {
		case 0:
			if run < 15 {
				if err := s.endOfBlocks(run, 0); err != nil {
					return err
				}
				run = 64 // of zeros: to the end of the block
			}
		case 1:
			bit, err := s.take(1)
			if err != nil {
				return err
			}
			if value = int16(1) << s.low; bit == 0 {
				value = -value
			}
		default:
			return errCode
		}
		if s.eobRun > 0 {
			break
		}
		if k, err = s.refine(b, k, run); err != nil {
			return err
		}
		if value != 0 {
			if k > s.last {
				return errCode
			}
			b[natural[k]] = value
		}
		k++
	}
	if s.eobRun > 0 {
		s.eobRun--
		_, err := s.refine(b, k, 64)
		return err
	}
	return nil
}

// refine adds a bit to the coefficients from k on that are not zero, until so many
// zeros have been passed and another is next, and returns where that is.
func (s *scan) refine(b *block, k, zeros int) (int, error) {
	for ; k <= s.last; k++ {
		c := &b[natural[k]]
		if *c == 0 {
			if zeros == 0 {
				break
			}
			zeros--
			continue
		}
		bit, err := s.take(1)
		if err != nil {
			return k, err
		}
		if delta := int16(1) << s.low; bit == 1 && *c&delta == 0 {
			if *c < 0 {
				delta = -delta
			}
			*c += delta
		}
	}
	return k, nil
}
