package registry

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// connect opens an answer that goes on at the offset.
func (b *blob) connect() error {
	for {
		if b.r.passOver(b.at) {
			b.at++
			b.tries = b.fresh()
			continue
		}
		err := b.ask(b.source())
		switch {
		case err == nil && b.body != nil:
			return nil
		case err == nil:
			b.noRange = true // then from the start
		case !b.next(err):
			return b.r.blame(err, b.desc.Digest.String())
		}
	}
}

// ask asks one source for the bytes from the offset on. Where the answer to the
// range is of no use, body is nil afterwards.
func (b *blob) ask(s *source) error {
	req := b.r.request(s, KindBlob, http.MethodGet, "blobs/"+b.desc.Digest.String(), b.desc.Digest.String())
	req.blob = &b.desc
	ranged := b.offset > 0 && !b.noRange
	if ranged {
		// With its end, which some registries insist on.
		span := strconv.FormatInt(b.offset, 10) + "-" + strconv.FormatInt(b.desc.Size-1, 10)
		req.header = http.Header{"Range": {"bytes=" + span}}
		b.r.c.event(Event{Kind: EventResume, Host: s.ep.name, Subject: b.what(), Offset: b.offset})
	}
	resp, err := b.r.c.open(b.ctx, req, &b.tries)
	var status *StatusError
	if ranged && errors.As(err, &status) && status.Status == http.StatusRequestedRangeNotSatisfiable {
		return nil
	}
	if err != nil {
		return err
	}
	p := &part{ReadCloser: resp.Body, unknown: resp.ContentLength < 0}
	expected := b.desc.Size
	switch {
	case ranged && resp.StatusCode == http.StatusPartialContent:
		expected -= b.offset
		fits := rangeFits(resp.Header.Get("Content-Range"), b.offset, b.desc.Size)
		if !fits || !p.unknown && resp.ContentLength != expected {
			resp.Body.Close()
			return nil
		}
		b.skip = 0
	case resp.StatusCode == http.StatusOK:
		b.skip = b.offset
		p.framed = len(resp.TransferEncoding) > 0 || resp.ProtoMajor >= 2
		if !p.unknown && resp.ContentLength != expected {
			resp.Body.Close()
			b.servedBy(s)
			return b.mismatch(resp.ContentLength)
		}
	default:
		resp.Body.Close()
		return &ProtocolError{s.ep.name, b.what(), "GET answered " + strconv.Itoa(resp.StatusCode)}
	}
	b.body = p
	b.servedBy(s)
	return nil
}

// servedBy remembers who sends, for messages and statistics.
func (b *blob) servedBy(s *source) {
	if len(b.servers) == 0 || b.servers[len(b.servers)-1] != s.ep.name {
		b.servers = append(b.servers, s.ep.name)
		b.r.c.served(s)
	}
}

// rangeFits checks a Content-Range header, "bytes FIRST-LAST/SIZE" where SIZE
// can be "*" (RFC 9110, 14.4), against the bytes that are still wanted.
func rangeFits(header string, offset, size int64) bool {
	rest, unit := strings.CutPrefix(header, "bytes ")
	span, total, slash := strings.Cut(rest, "/")
	first, last, dash := strings.Cut(span, "-")
	from, err := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if !unit || !slash || !dash || err != nil || err2 != nil {
		return false
	}
	return from == offset && to == size-1 && (total == "*" || total == strconv.FormatInt(size, 10))
}
