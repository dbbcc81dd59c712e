package registry

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/fault"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// What a registry says is told with the refusal, but if it says nothing that
// the refusal itself does not.
func TestRefusalIsTold(t *testing.T) {
	for words, told := range map[string]bool{"the token has expired": true, "Authentication required": false, "": false} {
		for _, status := range []int{401, 403, 404, 400} {
			r := registrytest.New(t)
			var seen events
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				w.WriteHeader(status)
				io.WriteString(w, `{"errors":[{"code":"DENIED","message":"`+words+`"}]}`)
				return true
			})
			c, _ := newClient(t, Options{Events: seen.add})
			_, err := allTags(repository(t, c, r.Host()+"/db/x"))
			if status != 400 && strings.Contains(err.Error(), "the registry says DENIED: "+words) != told {
				t.Errorf("%d: %v", status, err)
			}
			if status != 404 && fault.Of(err) != fault.Denied {
				t.Errorf("%d: kind %v", status, fault.Of(err))
			}
			if e := seen.of(EventRequest)[0]; len(e.Codes) != 1 || e.Codes[0].Message != words {
				t.Errorf("%d: event %+v", status, e)
			}
		}
	}
}

// The token service's words are told too.
func TestTokenRefusalIsTold(t *testing.T) {
	for _, config := range []string{`{"identitytoken":"id"}`, `{"auth":"dTpw"}`} {
		for _, status := range []int{400, 401, 403} {
			r := registrytest.New(t)
			realm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				w.WriteHeader(status)
				io.WriteString(w, `{"error":"invalid_grant","error_description":"the login is too old"}`)
			}))
			defer realm.Close()
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				w.Header().Set("WWW-Authenticate", `Bearer realm="`+realm.URL+`"`)
				return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
			})
			file := t.TempDir() + "/config.json"
			write(t, file, []byte(`{"auths":{"`+r.Host()+`":`+config+`}}`))
			c, _ := newClient(t, Options{Credentials: CredentialPaths{DockerConfig: file}})
			_, err := allTags(repository(t, c, r.Host()+"/db/x"))
			if err == nil || !strings.Contains(err.Error(), "the login is too old") {
				t.Errorf("%s, %d: %v", config, status, err)
			}
		}
	}
}

// A repository that must be made first is what is missing, not the blob or
// manifest that was to be written to it.
func TestPushToNoRepository(t *testing.T) {
	data := content(100)
	desc, manifest := registrytest.New(t).Manifest(t, "db/x", "one")
	blob := registrytest.New(t).Blob(t, "db/x", data)
	r := registrytest.New(t)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"errors":[{"code":"NAME_UNKNOWN","message":"there is no project db"}]}`)
		return true
	})
	c, _ := newClient(t, Options{})
	repo := repository(t, c, r.Host()+"/db/x")
	for name, err := range map[string]error{
		"blob":     repo.PushBlob(context.Background(), blob, opener(data)),
		"manifest": repo.PushManifest(context.Background(), desc, manifest),
	} {
		e := wantError[*NotFoundError](t, err)
		if want := r.Host() + "/db/x: repository not found; the registry says NAME_UNKNOWN: there is no project db"; !e.Write || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

// A registry that refuses a HEAD and serves a GET is read by GET, and one that
// does not find by HEAD what it has is not believed.
func TestHeadIsRefused(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404, 405, 406, 501} {
		r := registrytest.New(t)
		desc, data := r.Manifest(t, "db/x", "one", "1.0.0")
		blob := r.Blob(t, "db/x", content(100))
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			return req.Method == http.MethodHead && refuse(w, status, "NO")
		})
		c, k := newClient(t, Options{CacheDir: t.TempDir()})
		repo := repository(t, c, r.Host()+"/db/x")
		ctx := context.Background()
		for range 2 {
			if got, err := repo.Resolve(ctx, "1.0.0"); err != nil || got.Digest != desc.Digest || got.MediaType != desc.MediaType || got.Size != desc.Size {
				t.Errorf("%d: %+v %v", status, got, err)
			}
		}
		if r.Count("HEAD") != 1 || len(k.slept) != 0 {
			t.Errorf("%d: HEAD is asked again: %v", status, r.Seen())
		}
		for range 2 { // the second time, what the tag named is known
			if _, got, err := repo.Manifest(ctx, "1.0.0"); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%d: %v", status, err)
			}
		}
		if ok, err := repo.Exists(ctx, desc); !ok || err != nil {
			t.Errorf("%d: exists: %v %v", status, ok, err)
		}
		if err := repo.PushBlob(ctx, blob, opener(content(100))); err != nil {
			t.Errorf("%d: push: %v", status, err)
		}
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool { return refuse(w, status, "NO") })
		if _, err := repo.Resolve(ctx, "2.0.0"); err == nil || errors.Is(err, artifact.ErrNotFound) != (status == 404) {
			t.Errorf("%d for GET too: %v", status, err)
		}
	}
}

// One that breaks down over every HEAD is asked by GET in the end, once.
func TestHeadBreaksDown(t *testing.T) {
	for _, status := range []int{http.StatusBadGateway, http.StatusTooManyRequests, 0} { // 0: the connection is cut
		r := registrytest.New(t)
		desc, _ := r.Manifest(t, "db/x", "one", "1.0.0")
		down := false
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if req.Method != http.MethodHead && !down {
				return false
			}
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			return refuse(w, status, "NO")
		})
		c, _ := newClient(t, Options{})
		if got, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err != nil || got.Digest != desc.Digest {
			t.Errorf("%d: %+v %v", status, got, err)
		}
		down = true
		before := r.Count("GET")
		c, _ = newClient(t, Options{})
		if _, err := repository(t, c, r.Host()+"/db/x").Resolve(context.Background(), "1.0.0"); err == nil || r.Count("GET") != before+1 {
			t.Errorf("%d for GET too: %v after %v", status, err, r.Seen())
		}
	}
}

// What a registry wants its users to know is told once.
func TestWarnings(t *testing.T) {
	r := registrytest.New(t)
	r.Manifest(t, "db/x", "one", "1.0.0")
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		w.Header()["Warning"] = []string{`299 - "this registry closes \"soon\""`, `110 anderson/1.3.37 "Response is stale"`, `299 - unquoted`, `299 -`}
		return false
	})
	var told events
	c, _ := newClient(t, Options{Events: told.add})
	for range 3 {
		if _, err := allTags(repository(t, c, r.Host()+"/db/x")); err != nil {
			t.Fatal(err)
		}
	}
	if w := told.of(EventWarning); len(w) != 2 || w[0].Subject != r.Host() || w[0].Err.Error() != `this registry closes "soon"` {
		t.Errorf("%+v", w)
	}
}

// A refusal of the storage behind a signed address is answered with another
// address, once; then it is the storage that is named.
func TestStorageRefuses(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404} {
		for _, times := range []int{1, 9} {
			r := registrytest.New(t)
			data := content(1000)
			desc := r.Blob(t, "db/x", data)
			asked := 0
			storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				asked++
				if asked <= times {
					w.WriteHeader(status)
					io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
					return
				}
				w.Write(data)
			}))
			defer storage.Close()
			r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
				http.Redirect(w, req, storage.URL+"/blob?X-Signature=s3cret"+strconv.Itoa(n), http.StatusTemporaryRedirect)
				return true
			})
			c, _ := newClient(t, Options{})
			got, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc)
			if times == 1 {
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("%d once: %v", status, err)
				}
				continue
			}
			e := wantError[*StatusError](t, err)
			if "http://"+e.Storage != storage.URL || asked != 2 || strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "the storage "+e.Storage+": GET answered "+strconv.Itoa(status)) || !strings.Contains(err.Error(), "Request has expired") {
				t.Errorf("%d after %d requests: %v", status, asked, err)
			}
		}
	}
}

// Caches list what they were asked for, which is nothing at first, or do not
// list at all.
func TestMirrorListsNothing(t *testing.T) {
	for _, answer := range []string{`{"name":"x","tags":[]}`, `{"tags":null}`, `{}`, "401", "403", "404", "405", "501"} {
		origin, mirror, o, told := mirrored(t)
		desc, _ := origin.Manifest(t, "db/x", "one", "1.0.0")
		mirror.Manifest(t, "copies/x", "one", "1.0.0")
		mirror.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			if !strings.HasSuffix(req.URL.Path, "/tags/list") {
				return false
			}
			if status, err := strconv.Atoi(answer); err == nil {
				return refuse(w, status, "NO")
			}
			io.WriteString(w, answer)
			return true
		})
		c, _ := newClient(t, o)
		repo := repository(t, c, origin.Host()+"/db/x")
		if tags, err := allTags(repo); err != nil || len(tags) != 1 || len(told.of(EventMirror)) != 1 {
			t.Errorf("%s: %v %v, events %+v", answer, tags, err, told.of(EventMirror))
		}
		if got, _, err := repo.Manifest(context.Background(), "1.0.0"); err != nil || got.Digest != desc.Digest || c.Stats().Served[mirror.Host()] != 1 {
			t.Errorf("%s: what it has is not asked of it: %v, served %v", answer, err, c.Stats().Served)
		}
		origin.Close()
		if _, err := allTags(repo); err == nil || answer == "401" && !errors.As(err, new(*AuthError)) {
			t.Errorf("%s, alone: %v", answer, err)
		}
	}
}
