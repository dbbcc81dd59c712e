package resolve

import (
	"fmt"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/lockfile"
)

// drivers publishes plugins with versions, each of which requires the one
// before it and the host.
func drivers(b *testing.B, plugins, versions int) (*registries, string) {
	r := newRegistries(b)
	m := "schemahero = \"0.25\"\nplatforms = [\"linux/amd64\"]\n[plugins]\n"
	for i := range plugins {
		repo := r.repo(fmt.Sprintf("%s/p%d", official, i))
		rel := release{platforms: "linux/amd64", requires: map[string]string{"schemahero": ">=0.20"}}
		if i > 0 {
			rel.requires[fmt.Sprintf("p%d", i-1)] = "^1"
		}
		for v := range versions {
			repo.index(fmt.Sprintf("1.%d.%d", v/10, v%10), rel)
		}
		m += fmt.Sprintf("p%d = \"^1\"\n", i)
	}
	return r, m
}

// BenchmarkLock resolves from nothing, with a registry that answers at once.
func BenchmarkLock(b *testing.B) {
	for _, size := range [][2]int{{50, 500}, {100, 500}, {200, 125}, {200, 250}, {200, 500}} {
		r, text := drivers(b, size[0], size[1])
		o := Options{Manifest: parse(b, text)}
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			for b.Loop() {
				r.log = nil
				if _, err := r.resolve(o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(r.log)), "requests")
		})
	}
}

// BenchmarkKeep resolves where everything is locked.
func BenchmarkKeep(b *testing.B) {
	for _, size := range []int{50, 100, 200} {
		r, text := drivers(b, size, 1)
		o := Options{Manifest: parse(b, text)}
		result, err := r.resolve(o)
		if err != nil {
			b.Fatal(err)
		}
		o.Locked = result.Lock
		b.Run(fmt.Sprintf("%d", size), func(b *testing.B) {
			for b.Loop() {
				r.log = nil
				if _, err := r.resolve(o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(r.log)), "requests")
		})
	}
}

// BenchmarkTags resolves one plugin in a repository with many tags, half of
// them versions, of which a platform is missing in the newest ten.
func BenchmarkTags(b *testing.B) {
	for _, tags := range []int{12500, 25000, 50000, 100000} {
		r := newRegistries(b)
		repo := r.repo(official + "/postgres")
		d := repo.index("0.0.0", release{})
		for v := range tags / 2 {
			repo.tags[fmt.Sprintf("1.%d.%d", v/100, v%100)] = d
			repo.tags[fmt.Sprintf("build-%d", v)] = d
		}
		for v := range 10 {
			repo.index(fmt.Sprintf("1.%d.%d", tags/200-1, 99-v), release{platforms: "linux/amd64"})
		}
		o := Options{Manifest: parse(b, "platforms = [\"linux/arm64\"]\n[plugins]\npostgres = \"^1\"\n")}
		b.Run(fmt.Sprint(tags), func(b *testing.B) {
			for b.Loop() {
				r.log = nil
				if _, err := r.resolve(o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(r.log)), "requests")
		})
	}
}

// BenchmarkStale asks no network.
func BenchmarkStale(b *testing.B) {
	for _, size := range []int{50, 100, 200} {
		r, text := drivers(b, size, 1)
		m := parse(b, text)
		result, err := r.resolve(Options{Manifest: m})
		if err != nil {
			b.Fatal(err)
		}
		var l *lockfile.Lock = result.Lock
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			for b.Loop() {
				if d := Stale(m, l, ""); len(d) != 0 {
					b.Fatal(d)
				}
			}
		})
	}
}
