package serve

import (
	"io"
	"net/http"
	"time"
)

// maxIdle is how long a client may read, or send, nothing at all. Blobs are large
// and lines slow, so there is no limit on the whole.
const maxIdle = time.Minute

// unhurried gives a request and its answer another while with each piece that
// comes through.
func unhurried(w http.ResponseWriter, req *http.Request, idle time.Duration) http.ResponseWriter {
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(idle)) // what has no connection has no deadline
	_ = c.SetReadDeadline(time.Now().Add(idle))
	if req.Body != nil {
		req.Body = &slowBody{req.Body, c, idle}
	}
	return &slowAnswer{w, c, idle}
}

type slowBody struct {
	io.ReadCloser
	c    *http.ResponseController
	idle time.Duration
}

// Read implements io.Reader.
func (b *slowBody) Read(p []byte) (int, error) {
	_ = b.c.SetReadDeadline(time.Now().Add(b.idle))
	return b.ReadCloser.Read(p)
}

type slowAnswer struct {
	http.ResponseWriter
	c    *http.ResponseController
	idle time.Duration
}

// Write implements io.Writer.
func (a *slowAnswer) Write(data []byte) (int, error) {
	_ = a.c.SetWriteDeadline(time.Now().Add(a.idle))
	return a.ResponseWriter.Write(data)
}
