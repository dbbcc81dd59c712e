package wire

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// ErrorCode is one entry of a registry's error answer (distribution-spec,
// "Error Codes"). The text is the registry's: cut to a sane length, but not
// free of control characters.
type ErrorCode struct {
	Code    string
	Message string
	Detail  string // a text, or JSON in one line
}

// String is CODE: message (detail). A detail that is JSON is left out: mostly it
// repeats what was asked.
func (c ErrorCode) String() string {
	text := strings.TrimSuffix(strings.TrimPrefix(c.Code+": "+c.Message, ": "), ": ")
	if c.Detail == "" || c.Detail == c.Message || strings.ContainsAny(c.Detail[:1], "{[") {
		return text
	}
	return text + " (" + c.Detail + ")"
}

// commonplaces are messages that say no more than the status does: the
// specification's own and those of well-known registries.
const commonplaces = "\nauthentication required\nunauthorized\naccess denied\ndenied\nforbidden" +
	"\nrequested access to the resource is denied\nthe access controller denied access" +
	"\nmanifest unknown\nunknown manifest\nrepository name not known to registry\nunknown name" +
	"\nblob unknown to registry\nunknown blob\nnot found\n"

// said is what a registry says of a refusal, to be put behind a sentence.
func said(codes []ErrorCode) (text string) {
	for _, c := range codes {
		words := strings.ToLower(strings.TrimSuffix(c.Message, "."))
		if text == "" {
			text = "; the registry says "
		} else {
			text += "; "
		}
		if c.Message == "" || strings.Contains(commonplaces, "\n"+words+"\n") {
			if len(codes) == 1 && (c.Detail == "" || strings.ContainsAny(c.Detail[:1], "{[")) {
				return ""
			}
		}
		text += c.String()
	}
	return text
}

const (
	maxErrorBody    = 16 << 10
	maxErrorCodes   = 5
	maxErrorMessage = 300
)

// ReadCodes reads what an answer says of a refusal: a registry's error answer,
// one of OAuth (RFC 6749, 5.2), the forms of Docker Hub, GitLab, Google and others
// that write one object, what a storage says in XML, or a line of plain text.
func ReadCodes(body io.Reader) []ErrorCode {
	data, _ := io.ReadAll(io.LimitReader(body, maxErrorBody))
	data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
	switch {
	case len(data) == 0:
		return nil
	case data[0] == '{':
		return jsonCodes(data)
	case data[0] == '<':
		code, message := element(data, "Code"), element(data, "Message")
		if code+message == "" { // a page for people
			return nil
		}
		return []ErrorCode{{Code: Bounded(code), Message: Bounded(message)}}
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return []ErrorCode{{Message: Bounded(strings.TrimSpace(line))}}
}

func jsonCodes(data []byte) (codes []ErrorCode) {
	var answer struct {
		Errors      json.RawMessage `json:"errors"`
		Error       json.RawMessage `json:"error"`
		Description json.RawMessage `json:"error_description"`
		Message     json.RawMessage `json:"message"`
		Details     json.RawMessage `json:"details"`
		Detail      json.RawMessage `json:"detail"` // RFC 9457
		Title       json.RawMessage `json:"title"`
		Reason      json.RawMessage `json:"reason"`
	}
	if json.Unmarshal(data, &answer) != nil {
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(answer.Errors, &list) != nil && len(answer.Errors) > 0 {
		list = []json.RawMessage{answer.Errors}
	}
	if len(list) == 0 && bytes.HasPrefix(answer.Error, []byte("{")) {
		list = []json.RawMessage{answer.Error}
	}
	for _, raw := range list {
		var e struct{ Code, Message, Detail json.RawMessage }
		c := ErrorCode{Message: plainJSON(raw)}
		if json.Unmarshal(raw, &e) == nil {
			c = ErrorCode{plainJSON(e.Code), plainJSON(e.Message), plainJSON(e.Detail)}
		}
		if len(codes) < maxErrorCodes && c != (ErrorCode{}) {
			codes = append(codes, c)
		}
	}
	if len(codes) > 0 {
		return codes
	}
	c := ErrorCode{Code: plainJSON(answer.Error)}
	for _, message := range []json.RawMessage{answer.Description, answer.Message, answer.Details, answer.Detail, answer.Title, answer.Reason} {
		if c.Message == "" {
			c.Message = plainJSON(message)
		}
	}
	if c.Message == "" && strings.Contains(c.Code, " ") { // a sentence is not a code
		c.Code, c.Message = "", c.Code
	}
	if c == (ErrorCode{}) {
		return nil
	}
	return []ErrorCode{c}
}

// plainJSON is a string without its quotes, and everything else as it stands;
// what is empty is "".
func plainJSON(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return Bounded(text)
	}
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return ""
	}
	switch text = line.String(); text {
	case "null", "{}", "[]":
		return ""
	}
	return Bounded(text)
}

// element is the text of an XML element that holds nothing but text.
func element(data []byte, name string) string {
	_, rest, _ := bytes.Cut(data, []byte("<"+name+">"))
	text, _, found := bytes.Cut(rest, []byte("</"+name+">"))
	if !found {
		return ""
	}
	return string(text)
}

// Bounded cuts a text that somebody else wrote.
func Bounded(s string) string {
	if len(s) > maxErrorMessage {
		s = strings.ToValidUTF8(s[:maxErrorMessage], "") + "…"
	}
	return s
}
