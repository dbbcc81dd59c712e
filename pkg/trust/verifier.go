package trust

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/artifact"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/policy"
	"github.com/schemahero/kubectl-schemahero-plugin/pkg/registry"
)

// Signer is who signed.
type Signer = artifact.Signer

// Options are what a Verifier needs to know of its surroundings.
type Options struct {
	Dir     string           // folder of the public good instance's root and of what was verified
	Offline bool             // the root is taken from Dir alone
	HTTP    *http.Client     // for the root; nil means http.DefaultClient
	Now     func() time.Time // nil: time.Now

	// Unsigned is called for each repository whose releases are accepted with no
	// signature, because a rule says so, whenever one is asked about. Nil: silence.
	Unsigned func(repository string, rule policy.Rule)

	tuf string // where tests fetch the root; "" for sigstore.dev
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
		o: o, memory: &memory{dir: o.Dir},
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
	Source  registry.Repository
	Roots   []digest.Digest  // what must be signed: an index or manifest; in the tags layout each platform's manifest
	Project *policy.Policy   // nil: none
	Machine []*policy.Policy // of this machine, each of which must be satisfied too

	// Locked is the signer of these roots that the project recorded. It is
	// preferred to others if the signature verifies. The zero value is none.
	Locked Signer
	// Prefers reports whether a signer is preferred to others if
	// nobody is Locked; nil: the first found will do.
	Prefers func(Signer) bool
	// AnyWillDo: any signer that the rule admits is as good, so that no further
	// source is asked for the preferred one, and it may fail to answer.
	AnyWillDo bool
	// Links are what leads from the roots to what is installed, in any words that
	// distinguish one chain from another, and what the roots have to state. CheckLinks checks
	// them against the source, if they are not remembered; signed reports whether a
	// rule asks for a signature.
	Links      []string
	CheckLinks func(ctx context.Context, signed bool) error
	// Again asks for everything again, whatever is remembered.
	Again bool
}

// Verify returns who signed a release, of those whom the project's policy
// admits, and the zero value if that asks for nobody. Each of the machine's policies
// must be satisfied too. What all were satisfied with is remembered. Errors:
// *RefusedError, *ScopeError; *RootError; those of CheckLinks and of the Repository.
func (v *Verifier) Verify(ctx context.Context, r Request) (Signer, error) {
	name := r.Source.Name()
	rules, err := r.rules()
	if err != nil || len(rules.all()) == 0 {
		return Signer{}, err
	}
	if v.o.Unsigned != nil {
		for _, rule := range rules.all() {
			if rule.Unsigned {
				v.o.Unsigned(name, *rule)
			}
		}
	}
	if !r.Again {
		if signer, known := v.memory.recall(r.marks(rules)); known && r.answers(rules, signer) {
			return signer, nil
		}
	}
	if r.CheckLinks != nil {
		if err := r.CheckLinks(ctx, slices.ContainsFunc(rules.all(), asks)); err != nil {
			return Signer{}, err
		}
	}
	collectors := make([]*collector, len(r.Roots))
	for i, d := range r.Roots {
		collectors[i] = newCollector(r.Source, d)
	}
	signer, err := v.satisfy(ctx, collectors, rules.project, r.preference(rules.project))
	if err != nil {
		return Signer{}, err
	}
	for _, rule := range rules.machine {
		if _, err := v.satisfy(ctx, collectors, rule, preference{}); err != nil {
			return Signer{}, err
		}
	}
	v.memory.add(r.learnt(rules, signer))
	return signer, nil
}

// ruling is the rules that decide, nil if a policy has none at all.
type ruling struct {
	project *policy.Rule
	machine []*policy.Rule // of each of the machine's policies
}

// all returns the rules that there are.
func (r ruling) all() []*policy.Rule {
	return slices.DeleteFunc(append([]*policy.Rule{r.project}, r.machine...), func(r *policy.Rule) bool { return r == nil })
}

func (r *Request) rules() (ruling, error) {
	return decide(r.Source.Name(), r.Roots, r.Project, r.Machine)
}

// asks reports whether a rule asks for a signature.
func asks(rule *policy.Rule) bool { return rule != nil && !rule.Unsigned }

func decide(repository string, roots []digest.Digest, project *policy.Policy, machine []*policy.Policy) (out ruling, err error) {
	ask := func(p *policy.Policy) *policy.Rule {
		if p == nil {
			return nil
		}
		rule, governed := p.Decide(repository)
		if governed && rule == nil && err == nil {
			e := &ScopeError{Repository: repository, File: p.File}
			if len(roots) > 0 {
				e.Digest = roots[0]
			}
			err = e
		}
		return rule
	}
	out.project = ask(project)
	for _, p := range machine {
		out.machine = append(out.machine, ask(p))
	}
	return out, err
}
