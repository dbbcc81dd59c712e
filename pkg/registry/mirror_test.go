package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/internal/wire"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

func TestMirrorsOf(t *testing.T) {
	mirrors := []Mirror{
		{Prefix: "docker.io", Targets: []string{"hub.internal"}},
		{Prefix: "docker.io/schemahero", Targets: []string{"mirror.internal/schemahero", "second.internal/x/y"}},
		{Prefix: "docker.io/schemahero/plugin-postgres", Targets: []string{"pg.internal/pg"}},
		{Prefix: "ghcr.io", Targets: []string{"system.internal/ghcr"}, System: true},
		{Prefix: "ghcr.io/acme", Targets: []string{"own.internal/acme", "system.internal/ghcr/acme"}},
		{Prefix: "registry.internal:5000", Targets: []string{"registry.internal:5001"}},
	}
	for name, want := range map[string][]string{
		"ghcr.io/acme/plugin-x":                {"system.internal/ghcr/acme/plugin-x", "own.internal/acme/plugin-x"},
		"docker.io/schemahero/plugin-mysql":    {"mirror.internal/schemahero/plugin-mysql", "second.internal/x/y/plugin-mysql", "hub.internal/schemahero/plugin-mysql"},
		"docker.io/schemahero/plugin-postgres": {"pg.internal/pg", "mirror.internal/schemahero/plugin-postgres", "second.internal/x/y/plugin-postgres", "hub.internal/schemahero/plugin-postgres"},
		"docker.io/schemaherox/a":              {"hub.internal/schemaherox/a"},
		"registry.internal:5000/db/x":          {"registry.internal:5001/db/x"},
		"registry.internal/db/x":               nil,
		"docker.io.evil.example/schemahero/a":  nil,
	} {
		if got := mirrorsOf(mirrors, name); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for _, bad := range []Mirror{{Prefix: "https://h", Targets: []string{"a.example"}}, {Prefix: "h.example", Targets: []string{""}}, {Prefix: "h.example/A"}} {
		if _, err := New(Options{Mirrors: []Mirror{bad}}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

// mirrored is an origin and a mirror of its db/ under copies/.
func mirrored(t *testing.T) (origin, mirror *registrytest.Registry, o Options, told *events) {
	origin, mirror, told = registrytest.New(t), registrytest.New(t), &events{}
	o = Options{Events: told.add, Mirrors: []Mirror{{Prefix: origin.Host() + "/db", Targets: []string{mirror.Host() + "/copies"}}}}
	return origin, mirror, o, told
}

func TestMirror(t *testing.T) {
	origin, mirror, o, told := mirrored(t)
	ctx := context.Background()
	data := content(10_000)
	origin.Manifest(t, "db/x", "one", "1.0.0", "1.1.0")
	desc, _ := mirror.Manifest(t, "copies/x", "one", "1.0.0")
	blob := origin.Blob(t, "db/x", data)
	mirror.Blob(t, "copies/x", data)
	c, _ := newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	if repo.Name() != origin.Host()+"/db/x" {
		t.Errorf("name %q", repo.Name())
	}
	if tags, err := allTags(repo); err != nil || !slices.Equal(tags, []string{"1.0.0"}) {
		t.Errorf("tags: %v %v", tags, err)
	}
	if got, _, err := repo.Manifest(ctx, "1.0.0"); err != nil || got.Digest != desc.Digest {
		t.Errorf("manifest: %v", err)
	}
	if got, err := readBlob(repo, blob); err != nil || !bytes.Equal(got, data) {
		t.Errorf("blob: %v", err)
	}
	if n := len(origin.Seen()); n != 0 {
		t.Errorf("the origin was asked: %v", origin.Seen())
	}
	// What the mirror lacks comes from the origin.
	if _, _, err := repo.Manifest(ctx, "1.1.0"); err != nil {
		t.Error(err)
	}
	s := c.Stats()
	if s.Served[mirror.Host()] != 2 || s.Served[origin.Host()] != 1 {
		t.Errorf("served: %v", s.Served)
	}
	if fell := told.of(EventMirror); len(fell) != 1 || fell[0].Host != mirror.Host() || fell[0].Next != origin.Host() || !errors.Is(fell[0].Err, artifact.ErrNotFound) {
		t.Errorf("events: %+v", fell)
	}
}

func TestMirrorFallsBack(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	data := content(10_000)
	blob := origin.Blob(t, "db/x", data)
	origin.Manifest(t, "db/x", "one", "1.0.0")
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		return refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
	})
	c, _ := newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	if tags, err := allTags(repo); err != nil || len(tags) != 1 {
		t.Errorf("tags: %v %v", tags, err)
	}
	if got, err := readBlob(repo, blob); err != nil || !bytes.Equal(got, data) {
		t.Errorf("blob: %v", err)
	}
	mirror.Close() // and now it is gone
	c, _ = newClient(t, o)
	repo = repository(t, c, origin.Host()+"/db/x")
	for range 3 {
		if _, err := repo.Resolve(context.Background(), "1.0.0"); err != nil {
			t.Error(err)
		}
	}
	if n := c.Stats().Requests[wire.KindHead]; n != 4 {
		t.Errorf("%d requests: a mirror that is gone is asked once", n)
	}
}

// A refusal or wrong content is not passed over.
func TestMirrorIsWrong(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	blob := origin.Blob(t, "db/x", content(10_000))
	c, _ := newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Write(make([]byte, 10_000))
		return true
	})
	_, err := readBlob(repo, blob)
	if e := wantError[*artifact.IntegrityError](t, err); e.ServedBy != mirror.Host() || e.Repository != origin.Host()+"/db/x" {
		t.Errorf("error: %#v", e)
	}
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header().Set("WWW-Authenticate", "Basic")
		return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
	})
	_, err = readBlob(repo, blob)
	if e := wantError[*AuthError](t, err); e.Registry != mirror.Host() {
		t.Errorf("error: %#v", e)
	}
	if len(origin.Seen()) != 0 {
		t.Errorf("the origin was asked: %v", origin.Seen())
	}
}

// A mirror that may not give a blob away is passed over; where the origin is out
// of reach, its refusal is what counts.
func TestMirrorDeniesBlob(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	blob := origin.Blob(t, "db/x", content(10_000))
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		return refuse(w, http.StatusForbidden, "DENIED")
	})
	c, _ := newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	if _, err := readBlob(repo, blob); err != nil || len(mirror.Seen()) != 1 {
		t.Errorf("%v after %v", err, mirror.Seen())
	}
	origin.Close()
	_, err := readBlob(repo, blob)
	if e := wantError[*AuthError](t, err); e.Registry != mirror.Host() {
		t.Errorf("error: %#v", e)
	}
}

// If a mirror breaks down in the midst of a blob, the origin goes on from
// there, and the whole is verified.
func TestMirrorBreaksDown(t *testing.T) {
	origin, mirror, o, told := mirrored(t)
	data := content(100_000)
	blob := origin.Blob(t, "db/x", data)
	mirror.Blob(t, "copies/x", data)
	mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n == 1 {
			mirror.CutAfter(30_000, w, req)
		}
		return refuse(w, http.StatusBadGateway, "UNAVAILABLE")
	})
	c, _ := newClient(t, o)
	got, err := readBlob(repository(t, c, origin.Host()+"/db/x"), blob)
	if err != nil || !bytes.Equal(got, data) {
		t.Fatal(err)
	}
	if seen := origin.Seen(); len(seen) != 1 || seen[0].Range() != "bytes=30000-99999" {
		t.Errorf("the origin was asked %v", seen)
	}
	if len(told.of(EventMirror)) != 1 {
		t.Errorf("events: %+v", told.all)
	}
}

// Behind an air gap, a mirror that says 404 decides: the next registry in the
// manifest's list has its turn.
func TestMirrorAloneSaysNotFound(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	origin.Close()
	c, _ := newClient(t, o)
	_, err := allTags(repository(t, c, origin.Host()+"/db/x"))
	wantError[*NotFoundError](t, err)
	mirror.Close()
	_, err = allTags(repository(t, c, origin.Host()+"/db/x"))
	wantError[*UnreachableError](t, err)
}

// A cache lists the tags that it was asked for, a moving one perhaps, and a page of
// HTML can stand in a mirror's place: the origin's list counts.
func TestMirrorListsNoVersion(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	origin.Manifest(t, "db/x", "one", "0", "1.0.0")
	mirror.Manifest(t, "copies/x", "one", "0", "latest")
	list := func() []string {
		c, _ := newClient(t, o)
		tags, err := allTags(repository(t, c, origin.Host()+"/db/x"))
		if err != nil {
			t.Error(err)
		}
		return tags
	}
	if tags := list(); !slices.Equal(tags, []string{"0", "1.0.0"}) {
		t.Errorf("tags: %v", tags)
	}
	for _, page := range []string{"<html>maintenance</html>", "", "[]"} {
		mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			io.WriteString(w, page)
			return true
		})
		if tags := list(); !slices.Equal(tags, []string{"0", "1.0.0"}) {
			t.Errorf("%q: tags: %v", page, tags)
		}
	}
	mirror.SetFault(nil)
	origin.Close() // then the mirror's list is all there is
	if tags := list(); !slices.Equal(tags, []string{"0", "latest"}) {
		t.Errorf("tags: %v", tags)
	}
}

// Mirrors drop signatures: one that knows of none is not proof.
func TestMirrorWithoutReferrers(t *testing.T) {
	origin, _, o, _ := mirrored(t)
	subject, entry, data := signature(t, origin, "db/x")
	c, _ := newClient(t, Options{})
	if err := repository(t, c, origin.Host()+"/db/x").PushManifest(context.Background(), entry, data); err != nil {
		t.Fatal(err)
	}
	c, _ = newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	if list, err := repo.Referrers(context.Background(), subject); err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	origin.Close() // then the mirror's word is all there is
	c, _ = newClient(t, o)
	if list, err := repository(t, c, origin.Host()+"/db/x").Referrers(context.Background(), subject); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

// Writes go to the repository itself.
func TestMirrorIsNotWritten(t *testing.T) {
	origin, mirror, o, _ := mirrored(t)
	data := content(100)
	desc := mirror.Blob(t, "copies/x", data)
	c, _ := newClient(t, o)
	repo := repository(t, c, origin.Host()+"/db/x")
	ctx := context.Background()
	if ok, err := repo.Exists(ctx, desc); ok || err != nil {
		t.Errorf("exists: %v %v", ok, err)
	}
	if err := repo.PushBlob(ctx, desc, opener(data)); err != nil {
		t.Error(err)
	}
	if ok, err := repo.Exists(ctx, desc); !ok || err != nil {
		t.Errorf("exists: %v %v", ok, err)
	}
	if len(mirror.Seen()) != 0 {
		t.Errorf("the mirror was asked %v", mirror.Seen())
	}
}

// Where the connections of a mirror are cut, the next source is asked at once, from
// the byte that was reached, and for everything after; the mirror is not asked again.
func TestMirrorDies(t *testing.T) {
	origin, first, second := registrytest.New(t), registrytest.New(t), registrytest.New(t)
	data, other := content(100_000), content(50_000)
	var one, two ocispec.Descriptor
	for _, r := range []*registrytest.Registry{origin, first, second} {
		one, two = r.Blob(t, "db/x", data), r.Blob(t, "db/x", other)
	}
	first.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if n > 1 {
			panic(http.ErrAbortHandler)
		}
		first.CutAfter(30_000, w, req)
		return true
	})
	c, k := newClient(t, Options{Mirrors: []Mirror{{Prefix: origin.Host(), Targets: []string{first.Host(), second.Host()}}}})
	repo := repository(t, c, origin.Host()+"/db/x")
	for desc, want := range map[*ocispec.Descriptor][]byte{&one: data, &two: other} {
		if got, err := readBlob(repo, *desc); err != nil || !bytes.Equal(got, want) {
			t.Error(err)
		}
	}
	var waited time.Duration
	for _, d := range k.slept {
		waited += d
	}
	if waited > time.Second/4 {
		t.Errorf("waited %v", k.slept)
	}
	if n := len(first.Seen()); n > wire.MirrorTries {
		t.Errorf("the mirror was asked %d times", n)
	}
	if len(second.Seen()) != 2 || len(origin.Seen()) != 0 {
		t.Errorf("the second was asked %v, the origin %v", second.Seen(), origin.Seen())
	}
}

// A mirror that limits is waited for as it asks, though not for long: it stands
// before an origin that limits too.
func TestMirrorLimits(t *testing.T) {
	for refusals, asksOrigin := range map[int]int{10: 0, 100: 1} {
		origin, mirror, o, _ := mirrored(t)
		origin.Manifest(t, "db/x", "one", "1.0.0")
		mirror.Manifest(t, "copies/x", "one", "1.0.0")
		mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Retry-After", "1")
			return n <= refusals && refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS")
		})
		c, k := newClient(t, o)
		start := k.now()
		if _, err := repository(t, c, origin.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil {
			t.Error(err)
		}
		if waited := k.now().Sub(start); len(origin.Seen()) != asksOrigin || waited > 32*time.Second {
			t.Errorf("%d refusals: the origin was asked %v after %s", refusals, origin.Seen(), waited)
		}
	}
}

// A mirror is given up sooner than the origin, and not waited for; behind an air
// gap its failure is the one to tell.
func TestMirrorOutOfOrder(t *testing.T) {
	for header, requests := range map[string]int{"": wire.MirrorTries, "20": 2, "31": 1} {
		origin, mirror, o, _ := mirrored(t)
		origin.Manifest(t, "db/x", "one", "1.0.0")
		mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			w.Header().Set("Retry-After", header)
			return refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE")
		})
		c, _ := newClient(t, o)
		repo := repository(t, c, origin.Host()+"/db/x")
		for range 2 {
			if _, err := repo.Resolve(context.Background(), "1.0.0"); err != nil {
				t.Error(err)
			}
		}
		if n := len(mirror.Seen()); n != requests {
			t.Errorf("Retry-After %q: the mirror was asked %d times, want %d", header, n, requests)
		}
		origin.Close()
		other := repository(t, c, origin.Host()+"/db/y")
		_, tag := other.Resolve(context.Background(), "2.0.0")
		_, blob := readBlob(other, descriptorOf("gone"))
		for _, err := range []error{tag, blob} {
			if e := wantError[*StatusError](t, err); e.Host != mirror.Host() || e.Repository != origin.Host()+"/db/y" || e.Reference == "1.0.0" {
				t.Errorf("error: %#v", e)
			}
		}
	}
}
