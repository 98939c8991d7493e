package main

// register is a vector register, to be chosen. An instruction that would have to
// copy a value first may give it another one.
type register struct{ *virtual }

type virtual struct{ first, last, number int }

// allocate gives each register a number for the time from its first use to its last,
// or to the end of a loop that it is in from before.
func allocate(code []inst) bool {
	labels := map[string]int{}
	for at, i := range code {
		if i.label != "" {
			labels[i.label] = at
		}
		for _, v := range i.regs {
			if v.first < 0 {
				v.first = at
			}
			v.last = at
		}
	}
	for at, i := range code {
		if start, ok := labels[i.jump]; ok && start < at {
			extend(code[:at], start, at)
		}
	}
	var taken [32]*virtual
	for at, i := range code {
		for n, v := range taken {
			if v != nil && v.last <= at && !(v.last == at && v.first == at) {
				taken[n] = nil
			}
		}
		for _, v := range i.regs {
			if v.first == at && !place(&taken, v, i) {
				return false
			}
		}
	}
	return true
}

func extend(code []inst, start, end int) {
	for _, i := range code {
		for _, v := range i.regs {
			if v.first < start && v.last >= start {
				v.last = max(v.last, end)
			}
		}
	}
}

// place takes a free register; a move takes its source's if that ends there.
func place(taken *[32]*virtual, v *virtual, i inst) bool {
	if i.move && taken[i.regs[1].number] == nil {
		v.number = i.regs[1].number
		taken[v.number] = v
		return true
	}
	for n := range taken {
		if taken[n] == nil {
			v.number, taken[n] = n, v
			return true
		}
	}
	return false
}
