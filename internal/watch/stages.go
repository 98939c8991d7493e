package watch

// Stage is a part of a run.
type Stage struct {
	Name    string
	Updates int // at most; it may end earlier
}

// stage is one as the page reads it.
type stage struct {
	Name    string `json:"name"`
	Updates int    `json:"updates"` // planned, or done if it has ended
	Planned int    `json:"planned"`
	Best    number `json:"best,omitzero"`     // lowest loss of its validation
	BestAt  int    `json:"best_at,omitempty"` // updates of the run when that was
}

// stages are those of a run, and where it stands.
type stages struct {
	all   []stage
	now   int // index
	begun int // updates of all stages when it began
	done  int // updates of all stages
}

func newStages(planned []Stage, done int) stages {
	s := stages{all: []stage{}, done: done}
	for _, p := range planned {
		s.all = append(s.all, stage{Name: p.Name, Updates: p.Updates, Planned: p.Updates})
	}
	return s
}

// updates is the number of all, as far as it is known.
func (s *stages) updates() (n int) {
	for _, one := range s.all {
		n += one.Updates
	}
	return n
}

// add goes on to the stage of an update.
func (s *stages) add(p Point) {
	for s.now < p.Stage {
		s.end()
		s.now, s.begun = s.now+1, s.done
	}
	s.done = p.Step
	if s.now >= len(s.all) || p.Valid == 0 {
		return
	}
	if one := &s.all[s.now]; one.BestAt == 0 || p.Valid < float64(one.Best) {
		one.Best, one.BestAt = number(p.Valid), p.Step
	}
}

// end says that the stage is over, planned so or not.
func (s *stages) end() {
	if s.now < len(s.all) {
		s.all[s.now].Updates = s.done - s.begun
	}
}
