"""New items: from the whole space, or like a part of its items."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from .. import filters, rows
from ..catalogue import Catalogue
from ..core import Core
from ..distances import nearest
from ..errors import LiminalError
from ..models import conditional
from ..ops import completing
from ..ops.formulas import formula
from ..ops.samples import Samples
from ..priors import Delta, Prior
from ..resolve import Item, latent
from ..tensors import CHUNK, inference, rng
from .items import encode
from .seeing import clusters

AROUND = 50  # items whose latents tell how wide to draw around one, or how items are that begin so
LOOKED = 20_000  # real items whose beginnings are looked at
TRIED = 3  # draws for each item that begins so


def sample(
    space: Core,
    n: int = 64,
    source: str = "default",
    seed: int = 0,
    *,
    where: str | None = None,
    cluster: int | None = None,
    near: Item | None = None,
    like: Sequence[int | str] | None = None,
    begin: str | None = None,
    support: float | None = None,
    evidence: bool = False,
) -> Samples:
    """n new items: latents drawn and decoded, and what z leaves open drawn, too (`Modality.drawn`).

    Args:
        n: how many.
        source: ``prior``, ``mixture``, ``flow``, or ``default``: the one that a two-sample test chose
            after training; or a prior that the model was not trained with, as `draw` takes it. Not
            together with `where` or `near`.
        seed: the same seed gives the same items.
        where: like the items that pass this filter, ``"label = 'Sandal'"``: drawn from the distribution
            of their latents.
        cluster: like the items of this cluster, as `clusters` numbers them.
        near: like this item: drawn from around it, half as wide as its 50 nearest items lie.
        like: like these: items of the space by id or name, files, folders, as `encode` takes them; 3 items or
            more. A space made one's own by a few tunes, pictures or sounds that it need not have seen.
        begin: that begin so, as a sentence does: ``"the service"``. See `_begun`.
        support: only draws with at least this support, 0 to 1.
        evidence: tell each draw's support and its nearest real item; always told with `where`, `near`,
            `like`, `begin`, `support` or another prior. Both are told of where the encoder finds the item
            that is drawn: the space's samplers scatter as its posteriors do, real items are known by their
            means.

    Raises:
        LiminalError: an unknown sampler, a filter that fewer than 3 items pass, or too few draws with
        that support.
    """
    if support is not None and not 0 <= support <= 1:
        raise LiminalError(
            f"--support {support:g}: wanted a number from 0 (anything) to 1 (the most typical); 0.2 is "
            "a fair start"
        )
    name, sampler = space.source(source), None
    asked = [part for part in (where, cluster, near, like, begin) if part is not None]
    if asked and (source != "default" or len(asked) > 1):
        raise LiminalError("sample: choose one of --from, --where, --cluster, --near, --like and --begin")
    if begin is not None:
        return _begun(space, n, begin, seed, support)
    if asked:
        name, sampler = _part(space, where, cluster, near, like, seed)
    told = evidence or bool(asked) or support is not None or name not in space.samplers
    scattered = told and not asked and name in space.samplers and _scatters(space)
    known = lambda z: space.encoded(space.decode(z)) if scattered else z
    if support is not None:
        sampler = sampler or space.samplers.get(space.source(source))
        if sampler is None:
            raise LiminalError(f"sample: --support goes with the space's own samplers, not with {source}")
    checked = where is not None and _checkable(space, where)
    if sampler is not None and (support is not None or checked):
        z, items, share = _accepted(space, sampler, n, seed, where if checked else None, support, known)
        asked_for = f" with support of {support:g} or more" if support is not None else ""
        name += f"{asked_for} ({share:.0%} of the draws)"
    else:
        z = space.draw(n, source, seed) if sampler is None else sampler.sample(n, rng(seed)).cpu()
        items = space.modality.drawn(space.generator.decode(z).cpu(), rng(seed + 1))
    beside = _beside(space, known(z)) if told else None
    return Samples(z, items, space.modality, name, table=beside)


def _begun(space: Core, n: int, begin: str, seed: int, support: float | None) -> Samples:
    """n items that begin as told: drawn like the real ones whose beginnings agree best, decoded with the
    beginning told, and of `TRIED` times as many those that the model restores best, each once if it can be.

    Raises:
        LiminalError: such items have no beginning that can be typed, or the model cannot say it.
    """
    kind = space.modality
    if "begin" not in kind.parts:
        raise LiminalError(f"--begin: {kind.plural} have no beginning that can be typed")
    if n < 1:
        raise LiminalError(f"sample: -n {n}: --begin wants 1 or more")
    if support is not None:
        raise LiminalError("sample: --begin and --support do not go together; leave one of them out")
    given = kind.parse(begin)[None]
    given, lacking = kind.part(given, "begin")
    x = kind.tensor(given)
    if (said := kind.items(kind.soft(given))).tobytes() != given.tobytes():
        raise LiminalError(
            f"--begin {begin!r}: to this space it is {kind.caption(said[0])!r}; choose known words"
        )
    ids = rows.rng_rows(np.sort(space.catalogue.latents(split="train")[0]), LOOKED, seed)
    far = [
        kind.likelihood.missing(kind.tensor(space.items(part.tolist())), x, lacking)[0]
        for part in np.array_split(ids, math.ceil(len(ids) / CHUNK))
    ]
    like = ids[torch.cat(far).argsort(stable=True)[:AROUND].numpy()]
    z = conditional.conditional(space.latents[like], seed, space.support_of_prior).sample(
        TRIED * n, rng(seed)
    )
    x, lacking = (part.repeat_interleave(len(z), 0) for part in (x, lacking))
    y = space.generator.decode_told(z, x, lacking).cpu()
    y = kind.likelihood.kept(y, x, lacking)
    items = kind.items(y)
    again = np.ones(len(z), bool)
    again[np.unique(items, axis=0, return_index=True)[1]] = False
    worse = completing.residual(space.generator, kind, y).numpy()
    best = np.sort(np.lexsort((worse, again))[:n])
    z = z[torch.from_numpy(best)].cpu()
    name = f"items that begin with {begin!r}"
    return Samples(z, items[best], kind, name, table=_beside(space, space.encoded(items[best])))


def _accepted(
    space: Core,
    sampler: Prior,
    n: int,
    seed: int,
    where: str | None,
    support: float | None,
    known: Callable[[Tensor], Tensor],
) -> tuple[Tensor, np.ndarray, float]:
    """n latents and items that pass the filter, by what the items state, and have the support; and the share
    of the draws that did.

    Raises:
        LiminalError: too few pass.
    """
    found: list[np.ndarray] = []
    draw = rng(seed + 1)

    def accept(z: Tensor) -> Tensor:
        items = space.modality.drawn(space.generator.decode(z).cpu(), draw)
        ok = torch.ones(len(z), dtype=torch.bool)
        if support is not None:
            ok &= (space.support(known(z)) >= support).cpu()
        if where is not None:
            ok &= torch.from_numpy(_passing(space, items, where))
        found.append(items[ok.numpy()])
        return ok

    z, share = conditional.accepted(sampler, n, accept, seed)
    return z, np.concatenate(found)[:n], share


def _checkable(space: Core, where: str) -> bool:
    """Whether items of this kind state all that a filter asks about."""
    stated = space.modality.stated(space.items([0]))
    kinds = {name: kind for name, kind in space.card.attributes.items() if name in stated}
    try:
        return bool(kinds) and bool(filters.resolve(formula.where(where), kinds))
    except LiminalError:
        return False


def _passing(space: Core, items: np.ndarray, where: str) -> np.ndarray:
    """Which items (n,) pass a filter by what they state: asked of a catalogue of their own, so that it means
    what it means for real ones."""
    kinds, types = space.catalogue.attributes, {kind: type for type, kind in rows.KINDS.items()}
    stated = {k: v for k, v in space.modality.stated(items).items() if k in kinds}
    types = {name: types[kinds[name]] for name in stated}
    table = pa.table({name: pa.array(values, types[name]) for name, values in stated.items()})
    n = len(items)
    batch = rows.batch(np.zeros((n, 1), np.float32), ["train"] * n, [b""] * n, [""] * n, table)
    passing = np.zeros(n, bool)
    with tempfile.TemporaryDirectory() as folder:
        made = Catalogue.create(folder, iter([batch]), 1, types)
        passing[made.latents(where=formula.where(where))[0]] = True
    return passing


def _scatters(space: Core) -> bool:
    """Whether the encoder answers with more than points: then what is fitted to its answers scatters around
    the means among which support and distances are told, far in dimensions that carry nothing.
    """
    if not space.modality.scatters:
        return False
    x = space.modality.tensor(space.items([0])).to(space.generator.device)
    with inference(space.generator):
        return not isinstance(space.generator.posterior(x), Delta)


def _part(
    space: Core,
    where: str | None,
    cluster: int | None,
    near: Item | None,
    like: Sequence[int | str] | None,
    seed: int,
) -> tuple[str, Prior]:
    """What draws like a part of the items are called, and the distribution of that part."""
    if near is not None:
        z = latent(space, near)
        order = (space.latents - z).norm(dim=1).argsort()[:AROUND]
        return f"items around {near}", conditional.near(z, space.latents[order], space.support_of_prior)
    if like is not None:
        found, name = _named(space, like)
    elif cluster is not None:
        groups = clusters(space)
        if not 0 <= cluster < len(groups):
            raise LiminalError(
                f"--cluster {cluster}: there are clusters 0 to {len(groups) - 1}; `liminal clusters` "
                "shows them"
            )
        found = space.latents[torch.from_numpy(groups.ids[groups.labels == cluster])]
        name = f"cluster {cluster} ({groups.clusters[cluster].name})"
    else:
        assert where is not None
        found = torch.from_numpy(space.catalogue.latents(where=(sql := formula.where(where)))[1])
        name = f"items where {where}"
        if not len(found):
            raise space.empty(f"--where {where}", sql)
    return name, conditional.conditional(found, seed, space.support_of_prior)


def _named(space: Core, like: Sequence[int | str]) -> tuple[Tensor, str]:
    """Latents of items by id and of what names stand for, and what they are called."""
    ids = sorted({int(id) for id in like if isinstance(id, int | np.integer)})
    names = [name for name in like if isinstance(name, str)]
    for bad in [id for id in ids if not 0 <= id < len(space.catalogue)][:1]:
        raise LiminalError(f"sample: there is no item @{bad}; wanted 0 to {len(space.catalogue) - 1}")
    found = [space.latents[ids]] + ([encode(space, names)] if names else [])
    count = f"{len(ids):,} selected items"
    return torch.cat(found), f"items like {', '.join([count] * bool(ids) + names)}" if names else count


def _beside(space: Core, z: Tensor) -> pa.Table:
    """Support of latents where it is known, and the nearest real item of each with its distance: how far
    it is from a copy.
    """
    distance, row = nearest(space.latents, z, 1)
    trust = {"support": pa.array(space.trust(z).float().numpy())} if space.trust else {}
    return pa.table(
        {
            **trust,
            "nearest": pa.array(row[:, 0].numpy()),
            "distance": pa.array(distance[:, 0].float().numpy()),
        }
    )
