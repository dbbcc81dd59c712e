package pubgrub

import "strconv"

func itoa(n int) string { return strconv.Itoa(n) }

// reporter writes a derivation graph as sentences, by the algorithm that the
// published description gives under "Error Reporting".
type reporter struct {
	lines   []line
	uses    map[*incompatibility]int // how many conclusions a derived one leads to
	numbers map[*incompatibility]int // of conclusions that are referred to
}

type line struct {
	text   string
	number int // 0: none
}

// count fills in uses.
func (r *reporter) count(inc *incompatibility) {
	r.uses[inc]++
	if r.uses[inc] > 1 || inc.fact != nil {
		return
	}
	r.count(inc.causes[0])
	r.count(inc.causes[1])
}

// write adds the sentence that ends in a conclusion.
func (r *reporter) write(text string, conclusion *incompatibility) {
	r.lines = append(r.lines, line{text: text})
	if r.uses[conclusion] > 1 {
		r.number(conclusion)
	}
}

// number gives the last line, which is inc's, a number if it has none.
func (r *reporter) number(inc *incompatibility) {
	if r.numbers[inc] != 0 {
		return
	}
	r.numbers[inc] = len(r.numbers) + 1
	r.lines[len(r.lines)-1].number = r.numbers[inc]
}

// reference returns a conclusion that was written earlier, with its number.
func (r *reporter) reference(inc *incompatibility) string {
	return inc.conclusion() + " (" + itoa(r.numbers[inc]) + ")"
}

// explain writes why inc is true; the last line written ends in it.
func (r *reporter) explain(inc *incompatibility) {
	if inc.fact != nil { // only if a single fact settles everything
		r.write("Because "+inc.fact.clause()+", version solving failed.", inc)
		return
	}
	a, b := inc.causes[0], inc.causes[1]
	switch {
	case a.fact != nil && b.fact != nil:
		r.write("Because "+both(a.fact, b.fact)+", "+inc.conclusion()+".", inc)
	case a.fact == nil && b.fact == nil:
		r.derivedBoth(inc, a, b)
	case a.fact != nil:
		r.derivedOne(inc, b, a)
	default:
		r.derivedOne(inc, a, b)
	}
}

// derivedOne explains inc, which follows from a conclusion and a fact.
func (r *reporter) derivedOne(inc, derived, external *incompatibility) {
	if r.numbers[derived] != 0 {
		r.write(r.begin(inc, "Because ")+external.fact.clause()+" and "+r.reference(derived)+", "+inc.conclusion()+".", inc)
		return
	}
	// Two steps that each add one fact are written as one.
	if r.uses[derived] == 1 {
		x, y := derived.causes[0], derived.causes[1]
		if x.fact != nil {
			x, y = y, x
		}
		if x.fact == nil && y.fact != nil && r.numbers[x] == 0 {
			r.explain(x)
			r.write(r.begin(inc, "And because ")+both(y.fact, external.fact)+", "+inc.conclusion()+".", inc)
			return
		}
	}
	r.explain(derived)
	r.write(r.begin(inc, "And because ")+external.fact.clause()+", "+inc.conclusion()+".", inc)
}

// derivedBoth explains inc, which follows from two conclusions.
func (r *reporter) derivedBoth(inc, a, b *incompatibility) {
	switch an, bn := r.numbers[a], r.numbers[b]; {
	case an != 0 && bn != 0:
		r.write(r.begin(inc, "Because ")+r.reference(a)+" and "+r.reference(b)+", "+inc.conclusion()+".", inc)
	case an != 0:
		r.explain(b)
		r.write(r.begin(inc, "And because ")+r.reference(a)+", "+inc.conclusion()+".", inc)
	case bn != 0:
		r.explain(a)
		r.write(r.begin(inc, "And because ")+r.reference(b)+", "+inc.conclusion()+".", inc)
	case a.simple() && !b.simple():
		r.branch(inc, b, a)
	default:
		r.branch(inc, a, b)
	}
}

// branch explains inc, which follows from two conclusions, neither of them
// written yet. If the second takes a single line, that is short enough to need
// no reference back to what was said before it.
func (r *reporter) branch(inc, a, b *incompatibility) {
	r.explain(a)
	if r.numbers[b] != 0 { // written on the way
		r.write(r.begin(inc, "And because ")+r.reference(b)+", "+inc.conclusion()+".", inc)
		return
	}
	if b.simple() {
		r.explain(b)
		r.write(r.begin(inc, "Thus ")+inc.conclusion()+".", inc)
		return
	}
	r.number(a)
	r.lines = append(r.lines, line{})
	r.explain(b)
	r.write(r.begin(inc, "And because ")+r.reference(a)+", "+inc.conclusion()+".", inc)
}

// begin returns the word that a sentence begins with; the last one's is its own.
func (r *reporter) begin(inc *incompatibility, word string) string {
	if !inc.impossible() {
		return word
	}
	if word == "Thus " {
		return "So "
	}
	return "So, because "
}

// simple reports whether two facts lead to inc.
func (inc *incompatibility) simple() bool {
	return inc.fact == nil && inc.causes[0].fact != nil && inc.causes[1].fact != nil
}
