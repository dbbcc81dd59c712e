package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// sample is what several runs of the same work took, by round.
type sample []use

// wall returns the median time.
func (s sample) wall() time.Duration {
	var all []float64
	for _, u := range s {
		all = append(all, float64(u.Wall))
	}
	return time.Duration(median(all))
}

// memory returns the highest peak of all runs, in bytes.
func (s sample) memory() int64 {
	var most int64
	for _, u := range s {
		most = max(most, u.Memory)
	}
	return most
}

// faults returns the median number of page faults.
func (s sample) faults() int64 {
	var all []float64
	for _, u := range s {
		all = append(all, float64(u.Faults))
	}
	return int64(median(all))
}

// over returns the median of the rounds' ratios: what slows a whole round
// down, on a machine that does other work too, changes none of them.
func (s sample) over(other sample) float64 {
	var all []float64
	for i := range min(len(s), len(other)) {
		all = append(all, float64(s[i].Wall)/float64(other[i].Wall))
	}
	return median(all)
}

func median(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// table prints a title and a table; header and rows hold cells.
func table(title, about string, header []string, rows [][]string) {
	fmt.Printf("\n### %s\n\n", title)
	if about != "" {
		fmt.Printf("%s\n\n", about)
	}
	fmt.Println("| " + strings.Join(header, " | ") + " |")
	fmt.Println("|" + strings.Repeat(" --- |", len(header)))
	for _, r := range rows {
		fmt.Println("| " + strings.Join(r, " | ") + " |")
	}
}

func ms(d time.Duration) string {
	v := float64(d) / float64(time.Millisecond)
	if v < 100 {
		return fmt.Sprintf("%.1f ms", v)
	}
	return fmt.Sprintf("%.0f ms", v)
}

func ratio(v float64) string { return fmt.Sprintf("%.2f", v) }

func mib(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
