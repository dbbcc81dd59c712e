package trust

import (
	"context"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
)

// Options are what a Verifier needs to know of its surroundings.
type Options struct {
	Dir     string           // folder of the public good instance's root and of what was verified
	Offline bool             // the root is taken from Dir alone
	HTTP    *http.Client     // for the root; nil means http.DefaultClient
	TUF     string           // where the root is fetched; "" for sigstore.dev
	Now     func() time.Time // nil: time.Now

	// Unsigned is told of each repository whose releases are accepted with no
	// signature, because a rule says so. Nil: silence.
	Unsigned func(repository string, rule policy.Rule)
}

// Verifier verifies signatures. It is safe for use by several goroutines.
// Making one reads nothing.
type Verifier struct {
	o      Options
	memory *memory

	mu    sync.Mutex
	keys  map[string]*publicKey
	roots map[string]root.TrustedMaterial
}

// New returns a Verifier.
func New(o Options) *Verifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.HTTP == nil {
		o.HTTP = http.DefaultClient
	}
	return &Verifier{
		o: o, memory: &memory{file: filepath.Join(o.Dir, "verified")},
		keys: map[string]*publicKey{}, roots: map[string]root.TrustedMaterial{},
	}
}

func (v *Verifier) key(file string) (*publicKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.keys[file]; k != nil {
		return k, nil
	}
	k, err := loadPublicKey(file)
	if err == nil {
		v.keys[file] = k
	}
	return k, err
}

// Request asks whether a release may be used.
type Request struct {
	Source  Source
	Roots   []digest.Digest // what must be signed: an index or manifest; in the tags layout each platform's manifest
	Project *policy.Policy  // nil: none
	Machine *policy.Policy  // nil: none

	// Locked is whom the project recorded as the signer of these very roots: one
	// of them who verifies is preferred to others. The zero value is nobody.
	Locked Signer
	// Links are what leads from the roots to what is installed, in any words that
	// tell one chain from another. CheckLinks holds them against the source, where
	// they are not remembered.
	Links      []string
	CheckLinks func(ctx context.Context) error
	// Again asks for everything anew, whatever is remembered.
	Again bool
}

// Verify returns who signed a release, of those whom the project's policy
// admits, and the zero value where that asks for nobody. The machine's policy
// must be satisfied too. What both were satisfied with is remembered. Errors:
// *RefusedError, *ScopeError; *RootError; those of CheckLinks and of the Source.
func (v *Verifier) Verify(ctx context.Context, r Request) (Signer, error) {
	name := r.Source.Name()
	rules, err := r.rules()
	if err != nil || rules.none() {
		return Signer{}, err
	}
	keys := r.marks(rules)
	if !r.Again {
		known, err := v.memory.has(keys)
		if err != nil {
			return Signer{}, err
		}
		if known {
			return r.Locked, nil
		}
	}
	if r.CheckLinks != nil {
		if err := r.CheckLinks(ctx); err != nil {
			return Signer{}, err
		}
	}
	collectors := make([]*collector, len(r.Roots))
	for i, d := range r.Roots {
		collectors[i] = newCollector(r.Source, d)
	}
	signer, err := v.satisfy(ctx, collectors, rules.project, r.Locked)
	if err != nil {
		return Signer{}, err
	}
	if _, err := v.satisfy(ctx, collectors, rules.machine, signer); err != nil {
		return Signer{}, err
	}
	if v.o.Unsigned != nil {
		for _, rule := range []*policy.Rule{rules.project, rules.machine} {
			if rule != nil && rule.Unsigned {
				v.o.Unsigned(name, *rule)
			}
		}
	}
	r.Locked = signer
	return signer, v.memory.add(r.marks(rules))
}

// rules returns the rules that decide on a request. Who is locked as the signer
// counts only where the project asks for one.
func (r *Request) rules() (ruling, error) {
	rules, err := decide(r.Source.Name(), r.Project, r.Machine)
	if rules.project == nil || rules.project.Unsigned {
		r.Locked = Signer{}
	}
	return rules, err
}

// ruling is the two rules that decide, nil where a file has none at all.
type ruling struct{ project, machine *policy.Rule }

func (r ruling) none() bool { return r.project == nil && r.machine == nil }

func decide(repository string, project, machine *policy.Policy) (ruling, error) {
	var out ruling
	for _, side := range []struct {
		policy *policy.Policy
		rule   **policy.Rule
	}{{project, &out.project}, {machine, &out.machine}} {
		if side.policy == nil {
			continue
		}
		rule, governed := side.policy.Decide(repository)
		if governed && rule == nil {
			return out, &ScopeError{Repository: repository, File: side.policy.File}
		}
		*side.rule = rule
	}
	return out, nil
}

// satisfy returns who signed all roots, of those whom a rule admits: preferred
// where it did, else the first found. A rule that asks for nobody is satisfied
// by the zero value.
func (v *Verifier) satisfy(ctx context.Context, roots []*collector, rule *policy.Rule, preferred Signer) (Signer, error) {
	if rule == nil || rule.Unsigned {
		return Signer{}, nil
	}
	var common []Signer
	for i, c := range roots {
		// One signature is enough, unless whose it is must still be agreed on.
		signers, err := v.signers(ctx, c, rule, preferred, len(roots) > 1)
		if err != nil {
			return Signer{}, err
		}
		if i == 0 {
			common = signers
			continue
		}
		common = slices.DeleteFunc(common, func(s Signer) bool { return !slices.Contains(signers, s) })
		if len(common) == 0 {
			return Signer{}, &RefusedError{Repository: c.src.Name(), Digest: c.subject, Rule: *rule, Reason: OtherSigner, Found: c.found}
		}
	}
	if slices.Contains(common, preferred) {
		return preferred, nil
	}
	return common[0], nil
}

// signers returns whose signatures of a digest verify under a rule, in the
// order read; unless all are wanted, no further than to preferred or, where
// nobody is, to the first.
func (v *Verifier) signers(ctx context.Context, c *collector, rule *policy.Rule, preferred Signer, all bool) ([]Signer, error) {
	var out []Signer
	var found []Finding
	for i := 0; ; i++ {
		f, ok, err := c.at(ctx, i)
		if err == nil && ok {
			f, err = v.check(ctx, c, f, rule)
		}
		if err != nil && len(out) == 0 {
			return nil, err
		}
		if err != nil || !ok {
			break
		}
		if f.Form != FormOther || f.Reason != "" {
			found = append(found, f)
		}
		if f.Verified && !slices.Contains(out, f.Signer) {
			out = append(out, f.Signer)
		}
		if f.Verified && !all && (preferred.IsZero() || f.Signer == preferred) {
			break
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, &RefusedError{Repository: c.src.Name(), Digest: c.subject, Rule: *rule, Reason: worst(found), Found: found}
}

// worst is the reason that says most about why nothing verified.
func worst(found []Finding) Reason {
	for _, r := range reasons() {
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Reason == r }) {
			return r
		}
	}
	return Unsigned
}
