package registry

import (
	"bytes"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry/registrytest"
)

// A redirect to another host, or another port of the same one, gets neither
// credentials nor the address it was sent from; nothing of a signed URL shows
// in errors or events.
func TestRedirect(t *testing.T) {
	data := content(5000)
	var got []registrytest.Request
	cdn := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		got = append(got, registrytest.Request{Header: req.Header.Clone()})
		if len(got) == 1 {
			w.Header().Set("Content-Length", "5000")
			w.Write(data[:2000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(data))
	}))
	cdn.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(cdn.Close)
	r := registrytest.New(t)
	desc := r.Blob(t, "db/x", data)
	r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
		if user, pass, _ := req.BasicAuth(); user != "u" || pass != "s3cret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			return refuse(w, http.StatusUnauthorized, "UNAUTHORIZED")
		}
		http.Redirect(w, req, cdn.URL+"/blob?X-Signature=s3cret", http.StatusTemporaryRedirect)
		return true
	})
	var told events
	c, _ := newClient(t, Options{Events: told.add, Credentials: CredentialPaths{DockerConfig: dockerConfig(t, map[string]string{r.Host(): "u:s3cret"})}})
	body, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc)
	if err != nil || !bytes.Equal(body, data) {
		t.Fatal(err)
	}
	if len(got) != 2 || got[1].Range() != "bytes=2000-4999" {
		t.Errorf("the other host was asked %v", got)
	}
	for _, rec := range got {
		if rec.Auth() != "" || rec.Header.Get("Referer") != "" {
			t.Errorf("the other host was told %v", rec.Header)
		}
	}
	for _, ev := range told.all {
		if text := ev.URL + ev.Subject; strings.Contains(text, "s3cret") || ev.Err != nil && strings.Contains(ev.Err.Error(), "s3cret") {
			t.Errorf("event: %+v", ev)
		}
	}
	cdn.Close()
	_, err = readBlob(repository(t, c, r.Host()+"/db/x"), desc)
	e := wantError[*UnreachableError](t, err)
	if strings.Contains(e.Error(), "s3cret") || e.Host != cdn.Listener.Addr().String() {
		t.Errorf("error: %v", e)
	}
}

func TestRedirectRefused(t *testing.T) {
	desc := registrytest.New(t).Blob(t, "db/x", content(10))
	for name, tc := range map[string]struct{ to, problem string }{
		"plain HTTP elsewhere": {"http://cdn.example/blob?sig=s3cret", "redirects to plain HTTP at cdn.example"},
		"another scheme":       {"ftp://cdn.example/blob?sig=s3cret", "redirects to a ftp: address, which is neither HTTPS nor HTTP"},
		"no host":              {"file:///etc/passwd", "redirects to a file: address, which is neither HTTPS nor HTTP"},
		"round and round":      {"", "redirected more than 10 times"},
	} {
		r := registrytest.New(t)
		r.SetFault(func(n int, w http.ResponseWriter, req *http.Request) bool {
			http.Redirect(w, req, tc.to, http.StatusFound)
			return true
		})
		c, k := newClient(t, Options{})
		_, err := readBlob(repository(t, c, r.Host()+"/db/x"), desc)
		if err == nil || strings.Contains(err.Error(), "s3cret") || len(r.Seen()) > 10 || len(k.slept) != 0 {
			t.Errorf("%s: %v after %d requests", name, err, len(r.Seen()))
		}
		if e := wantError[*ProtocolError](t, err); e.Host != r.Host() || e.Subject != r.Host() || e.Problem != tc.problem {
			t.Errorf("%s: %v", name, err)
		}
	}
}
