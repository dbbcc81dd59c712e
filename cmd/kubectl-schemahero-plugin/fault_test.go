package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// fault is something that a registry does wrong.
type fault struct {
	kind  string // a number: that status; or a word of cmdFault
	match string // part of "METHOD path"
	times int    // how often; -1: always
	to    string // redirect: URL of the other host
	cuts  []int  // cut: percent of the body that the next requests get
	form  string // pages: how the next one is linked to
}

// match returns the fault for a request and counts it. r.mu is held.
func (r *scriptRegistry) match(req *http.Request) *fault {
	for _, f := range r.faults {
		if f.times == 0 || !strings.Contains(req.Method+" "+req.URL.Path, f.match) {
			continue
		}
		f.times--
		now := *f
		if f.kind == "cut" && req.Header.Get("Range") == "" && len(f.cuts) > 0 {
			now.cuts, f.cuts = f.cuts[:1], f.cuts[1:]
		} else {
			now.cuts = nil
		}
		return &now
	}
	return nil
}

// cmdFault: fault REGISTRY KIND MATCH [TIMES] makes requests whose "METHOD
// path" contains MATCH go wrong, always or as often as said. KIND is a status, by
// itself or with the code and message of the answer ("403 DENIED no more"),
// limit (429, and to come again in a second), truncate, corrupt, reset, stall, noreferrers (a registry without that API), or redirect=HOST:PORT to another registry
// (asked as localhost, so that it is another host); cut=PERCENT,… sends that
// much of a body to one request after the other, and the rest to those that ask
// for a range; whole ignores ranges; pages=FORM sends two tags a page, the next
// linked to as absolute, query, elsewhere (another host and scheme), short (the
// path without its first folder) or loop
// (the first page again). fault REGISTRY none forgets all.
func cmdFault(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	r.mu.Lock()
	defer r.mu.Unlock()
	if args[1] == "none" {
		r.faults = nil
		return
	}
	f := &fault{kind: args[1], match: args[2], times: -1}
	if other, ok := strings.CutPrefix(f.kind, "redirect="); ok {
		f.kind, f.to = "redirect", "http://localhost"+other[strings.LastIndex(other, ":"):]
	}
	if form, ok := strings.CutPrefix(f.kind, "pages="); ok {
		f.kind, f.form = "pages", form
	}
	if cuts, ok := strings.CutPrefix(f.kind, "cut="); ok {
		f.kind = "cut"
		for percent := range strings.SplitSeq(cuts, ",") {
			n, err := strconv.Atoi(percent)
			ts.Check(err)
			f.cuts = append(f.cuts, n)
		}
	}
	if len(args) > 3 {
		fmt.Sscan(args[3], &f.times)
	}
	r.faults = append(r.faults, f)
}

func (f *fault) serve(w http.ResponseWriter, req *http.Request, next http.Handler) {
	kind := f.kind
	if words, ok := strings.CutPrefix(kind, "immutable="); ok {
		// A registry whose tags never move: what is there is refused.
		rec := httptest.NewRecorder()
		if req.Method == http.MethodPut {
			head := req.Clone(req.Context())
			head.Method, head.Body = http.MethodHead, http.NoBody
			next.ServeHTTP(rec, head)
		}
		if req.Method != http.MethodPut || rec.Code != http.StatusOK {
			next.ServeHTTP(w, req)
			return
		}
		kind = words
	}
	var status int
	if _, err := fmt.Sscan(kind, &status); err == nil {
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "0")
		}
		code, message := "FAULT", "asked for by the script"
		if _, words, own := strings.Cut(kind, " "); own {
			code, message, _ = strings.Cut(words, " ")
		}
		http.Error(w, fmt.Sprintf(`{"errors":[{"code":%q,"message":%q}]}`, code, message), status)
		return
	}
	switch f.kind {
	case "noreferrers":
		if strings.Contains(req.URL.Path, "/referrers/") {
			http.NotFound(w, req)
			return
		}
		rec := httptest.NewRecorder()
		next.ServeHTTP(rec, req)
		rec.Header().Del("OCI-Subject")
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
		return
	case "limit":
		w.Header().Set("Retry-After", "1")
		http.Error(w, `{"errors":[{"code":"TOOMANYREQUESTS","message":"asked for by the script"}]}`, http.StatusTooManyRequests)
		return
	case "reset":
		panic(http.ErrAbortHandler)
	case "stall":
		<-req.Context().Done()
		return
	case "redirect":
		// Registries send blobs from elsewhere; what authorises at one host must
		// not reach another.
		http.Redirect(w, req, f.to+req.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	rec := httptest.NewRecorder()
	whole := req.Clone(req.Context())
	whole.Header.Del("Range")
	whole.URL = &url.URL{Path: req.URL.Path} // all tags at once
	next.ServeHTTP(rec, whole)
	body := rec.Body.Bytes()
	for k, v := range rec.Header() {
		w.Header()[k] = v
	}
	switch f.kind {
	case "cut":
		if len(f.cuts) == 0 {
			w.Header().Del("Content-Length")
			http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(body))
			return
		}
		f.cutShort(w, rec.Code, body, len(body)*f.cuts[0]/100)
	case "truncate":
		f.cutShort(w, rec.Code, body, len(body)/2)
	case "pages":
		f.page(w, req, body)
		return
	case "corrupt":
		body = bytes.Clone(body)
		body[len(body)/2] ^= 0x01
		w.Header().Del("Docker-Content-Digest")
	}
	w.WriteHeader(rec.Code)
	w.Write(body)
}

// cutShort sends the first n bytes of a body and ends the connection.
func (f *fault) cutShort(w http.ResponseWriter, status int, body []byte, n int) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body[:n])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// page sends a part of a tag list, and where the next one is.
func (f *fault) page(w http.ResponseWriter, req *http.Request, body []byte) {
	var list struct{ Tags []string }
	if err := json.Unmarshal(body, &list); err != nil {
		panic(err)
	}
	slices.Sort(list.Tags)
	from := 0
	for from < len(list.Tags) && list.Tags[from] <= req.URL.Query().Get("last") {
		from++
	}
	to := min(from+2, len(list.Tags))
	if query := "?n=2&last=" + list.Tags[to-1]; to < len(list.Tags) {
		link := query
		switch f.form {
		case "absolute":
			link = "http://" + req.Host + req.URL.Path + query
		case "elsewhere":
			link = "https://elsewhere.invalid" + req.URL.Path + query
		case "short":
			_, below, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v2/"), "/")
			link = "/v2/" + below + query
		case "loop":
			link = "?n=2"
		}
		w.Header().Set("Link", "<"+link+`>; rel="next"`)
	}
	w.Header().Del("Content-Length")
	json.NewEncoder(w).Encode(object{"tags": list.Tags[from:to]})
}

// cmdSent: sent REGISTRY sets $sent to the bytes of blobs that were sent since
// the last such line.
func cmdSent(ts *testscript.TestScript, args []string) {
	r := worldOf(ts).registry(ts, args[0])
	ts.Setenv("sent", strconv.FormatInt(r.sent.Swap(0), 10))
}

// counted counts what is written to it.
type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (c counted) Write(data []byte) (int, error) {
	n, err := c.ResponseWriter.Write(data)
	c.n.Add(int64(n))
	return n, err
}

func (c counted) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// cmdAwait: await REGISTRY MATCH waits for a request whose "METHOD path"
// contains MATCH.
func cmdAwait(ts *testscript.TestScript, args []string) {
	worldOf(ts).registry(ts, args[0]).Await(args[1])
}

// cmdSecretless: secretless REGISTRY fails where a request to it bore
// credentials.
func cmdSecretless(ts *testscript.TestScript, args []string) {
	seen := worldOf(ts).registry(ts, args[0]).Seen()
	if len(seen) == 0 {
		ts.Fatalf("nothing was asked of %s", args[0])
	}
	for _, req := range seen {
		if req.Auth() != "" {
			ts.Fatalf("%s: %s bore credentials", args[0], req)
		}
	}
}
