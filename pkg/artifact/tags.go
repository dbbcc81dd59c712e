package artifact

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/schemahero/kubectl-schemahero-plugin/pkg/parallel"
)

// tags reads the platforms' own tags, and completes them with what the bare
// tag names, if there is one.
func (rd *reading) tags(c Candidate, bare *part) (*Release, error) {
	if bare == nil {
		rd.facts = append(rd.facts, nil)
	}
	parts := make([]*part, len(c.Platforms))
	gone := make([]bool, len(c.Platforms))
	guessed := bare != nil && bare.guessed
	err := parallel.First(parallel.Errors(rd.ctx, len(parts), most, func(i int) (err error) {
		if !rd.wants(c.Platforms[i].Platform) && !guessed {
			return nil
		}
		parts[i], err = rd.platformTag(c.Platforms[i], bare)
		if errors.Is(err, ErrNotFound) {
			gone[i] = true // deleted since the tags were listed
			return nil
		}
		return err
	}))
	if err != nil {
		return nil, err
	}
	placed := false // a platform's own tag tells what was guessed of the bare one
	for i, pt := range c.Platforms {
		if gone[i] {
			continue
		}
		rd.rel.Offered = append(rd.rel.Offered, pt.Platform)
		p := parts[i]
		placed = placed || guessed && p.digest == bare.digest
		if rd.wants(pt.Platform) {
			if err := rd.add(p, pt.Platform, pt.Tag); err != nil {
				return nil, err
			}
		}
	}
	if bare != nil && !placed && !slices.Contains(rd.rel.Offered, bare.platform) {
		rd.rel.Offered = append(rd.rel.Offered, bare.platform)
		if rd.wants(bare.platform) {
			if err := rd.add(bare, bare.platform, c.Tag); err != nil {
				return nil, err
			}
		}
	}
	if len(rd.rel.Offered) == 0 && bare == nil {
		return nil, fmt.Errorf("%s: %w", cmp.Or(c.Tag, rd.rel.Version), ErrNotFound)
	}
	return rd.finish(cmp.Or(c.Tag, rd.rel.Version))
}

// platformTag reads what a platform's own tag names. The bare tag commonly
// names the same manifest, which then is not fetched again.
func (rd *reading) platformTag(pt PlatformTag, bare *part) (*part, error) {
	if bare == nil || bare.platform != pt.Platform {
		return rd.manifest(pt.Tag)
	}
	desc, err := rd.r.Resolve(rd.ctx, pt.Tag)
	switch {
	case err != nil:
		return nil, err
	case desc.Digest == bare.digest:
		return bare, nil
	}
	return rd.manifest(desc.Digest.String())
}
