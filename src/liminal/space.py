"""`Space`: what a user holds; each verb once.

Names become arrays in `core`, the operations know arrays only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from .changes import Stored
from .core import Item, vectors
from .distances import nearest
from .errors import LiminalError, unknown
from .generator import Trainable
from .kept import Arrays, Facts, apart, together
from .maps.clusters import Cluster, Clusters, clusters
from .maps.inverse import Inverse, InverseResult
from .maps.lattice import Lattice, lattice
from .maps.project import Map
from .models import conditional
from .models.inverted import Inverted
from .ops import edits
from .ops.directions import probes, unsupervised
from .ops.directions.directions import Direction
from .ops.directions.locks import Locks
from .ops.formulas import formula
from .ops.geodesics import geodesics
from .ops.geodesics.graph import Graph, neighbour_graph
from .ops.geodesics.polylines import Weight
from .ops.samples import Samples
from .ops.style.style import Style, fit_style
from .ops.style.transfer import Transfer, restyle
from .ops.ways import curves, mixing, paths
from .priors import Prior
from .tensors import rng
from .voice import Voice, speaking

if TYPE_CHECKING:
    from .measures import Measure, Report
    from .measures.meaning.meaning import Meaning

SOURCES = ("attributes", "pca", "jacobian", "factorised")
METRICS = ("euclidean", "cosine", "decoded", "geodesic")
RANKED = 40  # more items than asked for that are ranked by what they decode to
AROUND = 50  # items whose latents tell how wide to draw around one


class Space(Stored):
    """What a user holds: a trained (or wrapped) model with its items.

    Made by `liminal.fit`, `liminal.open` or `liminal.wrap`. Items are named as on the command line: ``"@12"``
    (or the integer 12), a file, or a formula such as ``"mean(label=Sandal)"``; a latent (d,) is taken as it
    is.

    Attributes:
        generator: the model.
        modality: how items look and how they are read and written.
        card: what is known about the space.
        folder: where it lives.
        samplers: by name: ``prior``, ``mixture``, ``flow``.
    """

    def neighbors(
        self, item: Item, k: int = 10, where: str | None = None, metric: str = "euclidean"
    ) -> pa.Table:
        """The k items nearest to an item: id, distance, split, source, attributes; nearest first.

        Args:
            item: as `latent` takes it; an item of the space is its own first neighbour.
            k: how many.
            where: a filter, ``"label = 'Bag' and smile > 0.5"``.
            metric: ``euclidean`` or ``cosine`` in the latent space; ``decoded``, how far apart what they
                decode to looks, and ``geodesic``, length of the shortest way as it is seen: both among the
                `RANKED` + k nearest in the latent space.

        Raises:
            LiminalError: k is below 1, an unknown metric, or the filter is wrong.
        """
        if metric not in METRICS:
            raise unknown("metric", metric, METRICS)
        z = self.latent(item)
        if metric in ("euclidean", "cosine"):
            return self.near(z.numpy(), k, where, metric)
        found = self.near(z.numpy(), k + RANKED if k > 0 else k, where)
        if not len(found):
            return found
        near = self.latents[found["id"].to_pylist()]
        if metric == "decoded":
            x = self.modality.chart(self.generator.decode(torch.cat([z[None], near])))
            far = (x[1:] - x[:1]).double().square().mean(1).sqrt().cpu()
        else:
            far = geodesics.distances(self.chart, z, near).double().cpu()
        found = found.set_column(1, "distance", pa.array(far.numpy()))
        return found.take(pa.array(far.argsort(stable=True)[:k].numpy()))

    # -- sampling, walking, editing

    def sample(
        self,
        n: int = 64,
        source: str = "default",
        seed: int = 0,
        *,
        where: str | None = None,
        cluster: int | None = None,
        near: Item | None = None,
        support: float | None = None,
        evidence: bool = False,
    ) -> Samples:
        """n new items.

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
            support: only draws with at least this support, 0 to 1.
            evidence: tell each draw's support and its nearest real item; always told with `where`, `near`,
                `support` or another prior.

        Raises:
            LiminalError: an unknown sampler, a filter that fewer than 3 items pass, or too few draws with
            that support.
        """
        if support is not None and not 0 <= support <= 1:
            raise LiminalError(
                f"--support {support:g}: wanted a number from 0 (anything) to 1 (the most typical); 0.2 is "
                "a fair start"
            )
        name, sampler = self._drawn_from(source, where, cluster, near, seed)
        if support is None:
            z = self.draw(n, source, seed) if sampler is None else sampler.sample(n, rng(seed)).cpu()
        else:
            trust = self.support
            sampler = sampler or self.samplers.get(self.source(source))
            if sampler is None:
                raise LiminalError(f"sample: --support goes with the space's own samplers, not with {source}")
            z, share = conditional.accepted(sampler, n, lambda z: trust(z) >= support, seed)
            name += f" with support of {support:g} or more ({share:.0%} of the draws)"
        told = evidence or sampler is not None or support is not None or name not in self.samplers
        return Samples(z, self.decode(z), self.modality, name, table=self._beside(z) if told else None)

    def _drawn_from(
        self, source: str, where: str | None, cluster: int | None, near: Item | None, seed: int
    ) -> tuple[str, Prior | None]:
        """What draws are called, and the distribution of a part of the items where one is asked for."""
        asked = [value for value in (where, cluster, near) if value is not None]
        if not asked:
            return self.source(source), None
        if source != "default" or len(asked) > 1:
            raise LiminalError("sample: choose one of --from, --where, --cluster and --near")
        if near is not None:
            z = self.latent(near)
            order = (self.latents - z).norm(dim=1).argsort()[:AROUND]
            return f"items around {near}", conditional.near(z, self.latents[order], self.support_of_prior)
        if cluster is not None:
            groups = self.clusters()
            if not 0 <= cluster < len(groups):
                raise LiminalError(
                    f"--cluster {cluster}: there are clusters 0 to {len(groups) - 1}; `liminal clusters` "
                    "shows them"
                )
            found = self.latents[torch.from_numpy(groups.ids[groups.labels == cluster])]
            name = f"cluster {cluster} ({groups.clusters[cluster].name})"
        else:
            assert where is not None
            found = torch.from_numpy(self.catalogue.latents(where=(sql := formula.where(where)))[1])
            name = f"items where {where}"
            if not len(found):
                raise self.empty(f"--where {where}", sql)
        return name, conditional.conditional(found, seed, self.support_of_prior)

    def _beside(self, z: Tensor) -> pa.Table:
        """Support of latents where it is known, and the nearest real item of each with its distance: how far
        it is from a copy.
        """
        distance, row = nearest(self.latents, z, 1)
        trust = {"support": pa.array(self.trust(z).float().numpy())} if self.trust else {}
        return pa.table(
            {
                **trust,
                "nearest": pa.array(row[:, 0].numpy()),
                "distance": pa.array(distance[:, 0].float().numpy()),
            }
        )

    def path(
        self,
        *items: Item,
        along: str = "slerp",
        frames: int = 48,
        loop: bool = False,
        pace: str = "data",
        only: Sequence[str] = (),
    ) -> paths.Path:
        """A walk through two or more items, with the support of each frame and what the reader sees in it.

        Args:
            items: as `latent` takes them.
            along: ``linear``; ``slerp`` (arcs); ``mix`` (arcs in the noise of the latent flow); ``smooth``
                (one curve without corners through all items); ``geodesic`` (shortest by what is decoded,
                through well-supported places).
            frames: how many.
            loop: go on from the last item to the first.
            pace: whether the speed is constant in the ``data`` or in the ``latent`` space.
            only: names of attributes: all that is not along their directions stays as in the first item.

        Raises:
            LiminalError: fewer than two items, fewer frames than items, an unknown way, pace or attribute.
        """
        keys = torch.stack([self.latent(item) for item in items]) if items else torch.zeros(0, self.dim)
        held = {"only": self._vectors_of(only), "white": self._white()} if only else {}
        if only and len(keys):
            keys = curves.only(keys, keys[0], held["only"], held["white"])
        way: str | mixing.Way = along
        if along == "geodesic" and len(keys) > 1:
            way = curves.polyline_way(self._geodesics(keys, loop).z)
        return paths.path(
            self.generator,
            self.modality,
            keys,
            way,
            frames,
            loop,
            pace=pace,
            mixer=self.mixer if along in ("mix", "smooth") else None,
            name=along,
            support=self.trust,
            read=self.read,
            scale=self.spread,
            **held,
        )

    def _geodesics(self, keys: Tensor, loop: bool) -> geodesics.Geodesics:
        """The geodesics from each key to the next, heavier where support is low."""
        stops = torch.cat([keys, keys[:1]]) if loop else keys
        return geodesics.geodesics(
            self.chart, stops[:-1], stops[1:], weight=self._rarity, mix=self.mixer, graph=self.graph
        )

    @property
    def _rarity(self) -> Weight | None:
        """How much heavier ways are where items get rare; None where support is not known."""
        return self.trust.weight if self.trust else None

    @cached_property
    def graph(self) -> Graph:
        """Items joined to their nearest ones, with how far they look apart; kept once made."""
        make = lambda: neighbour_graph(self.chart, self.latents, weight=self._rarity)
        made: Graph = self.kept.thing("graph", Graph, make, tensors=True)
        return made

    def _vectors_of(self, names: Sequence[str]) -> Tensor:
        """The directions (k, d) of attributes; of a category those of all its values."""
        found = []
        for name in names:
            of_values = [d.vector for key, d in self.directions.items() if key.partition("=")[0] == name]
            found += of_values or [self.direction(name).vector]
        return torch.stack(found)

    def _white(self) -> Tensor:
        return probes.Frame(self.latents.double()).white

    def edit(self, item: Item, change: str | Tensor, keep_detail: bool = False) -> edits.Edit:
        """Move an item by a formula such as ``"+1.5*smile - glasses"``, ``"smile=1"`` or ``"2*dim(7)"``, or
        by a vector.

        Args:
            item: as `latent` takes it.
            change: the formula; it may hold several terms. Or a vector (d,), such as ``1.5 *
                space.between("hat", "not hat").vector``.
            keep_detail: add the edit's difference to the item itself instead of to its reconstruction; an
                item of the space or a file.

        Returns:
            The edit, with what the space's reader sees in the decoded item before and after, its support and
            the nearest real items.

        Raises:
            LiminalError: the formula is wrong, the vector is none of d finite numbers, or `keep_detail` is
            asked of what has no original.
        """
        z = self.latent(item)
        tree = formula.parse(change) if isinstance(change, str) else None
        vector = formula.edit(tree, self.names(z)) if tree is not None else edits.vector(change, len(z)).to(z)
        return edits.edit(
            self.generator,
            self.modality,
            z,
            vector,
            change if isinstance(change, str) else f"a vector of length {float(vector.norm()):.3g}",
            self.read,
            asked=formula.attributes(tree) if tree is not None else (),
            spread=self.spread,
            support=self.trust,
            nearest=self._nearest_items,
            original=self.original(item) if keep_detail else None,
        )

    def _nearest_items(self, z: Tensor) -> list[tuple[int, float]]:
        found = self.catalogue.nearest(z.numpy(), 3)
        return list(zip(found["id"].to_pylist(), found["distance"].to_pylist(), strict=True))

    def strip(self, items: Sequence[Item], change: str, strengths: Sequence[float] = edits.STRENGTHS) -> Any:
        """A picture of an edit at several strengths, a row for each item; see `ops.edits.strip`."""
        z = torch.stack([self.latent(item) for item in items])
        return edits.strip(
            self.generator, self.modality, z, formula.edit(change, self.names(z[0])), strengths
        )

    def find_directions(
        self, source: str = "attributes", at: Item | None = None, k: int = 8, seed: int = 0
    ) -> list[Direction]:
        """Directions of the space, the strongest first.

        Args:
            source: ``attributes``: those that were found and calibrated when the space was made; without
                labels ``pca``, ``jacobian`` (what moves the decoded item most near `at`) or ``factorised``
                (of the decoder's first linear layer).
            at: the item that ``jacobian`` starts from.
            k: how many of those without labels.
            seed: of the items that are read.
        """
        if source == "attributes":
            return list(self.directions.values())
        if source not in SOURCES:
            raise unknown("source of directions", source, SOURCES)
        k, read, decode = min(k, self.dim), self.read, self.generator.decode
        if source == "pca":
            return unsupervised.pca(self.latents, k, decode, read, seed)
        if source == "factorised":
            return unsupervised.factorised(self.generator, self.latents, k, read, seed)
        if at is None:
            raise LiminalError("directions: jacobian needs an item to start from, such as @12")
        return unsupervised.jacobian(self.chart, self.latent(at), self.latents, k, decode, read, seed)

    def direction_strips(self, found: Sequence[Direction], item: Item | None = None) -> Any:
        """A picture of directions, a row each, on one item; None: the most typical one.

        See `ops.directions.unsupervised.strips`.
        """
        z = self.latents[mixing.medoid(self.latents[:2000])] if item is None else self.latent(item)
        return unsupervised.strips(self.generator, self.modality, z, found)

    def between(self, first: str, second: str) -> Direction:
        """The direction from the items that pass one filter to those that pass another, with a
        cross-validated score.
        """
        a, b = (
            torch.from_numpy(self.catalogue.latents(where=formula.where(text))[1]) for text in (second, first)
        )
        read = self.read
        return unsupervised.from_selections(
            a, b, self.latents, f"{first} to {second}", self.generator.decode, read
        )

    def transfer(self, content: Item, style: Item, blend: float = 1.0, by: str | None = None) -> Transfer:
        """One item in the style of another: what a category names is kept, everything else comes from the
        style item.

        Args:
            content: whose class is kept.
            style: whose way of being what it is is taken over.
            blend: 0, the content item, to 1, all of the style.
            by: the category that names the content; None: the first of `categories`.

        Raises:
            LiminalError: there is no such category, or fewer than two of its classes have items enough.
        """
        fitted = self.style(by)
        classes = [self._class(item, fitted.name) for item in (content, style)]
        return restyle(
            self.generator,
            self.modality,
            fitted,
            self.latent(content),
            self.latent(style),
            blend,
            content_class=classes[0] if classes[0] in fitted.classes else None,
            style_class=classes[1] if classes[1] in fitted.classes else None,
            read=self.read,
            support=self.trust,
            nearest=self._nearest_items,
        )

    @property
    def categories(self) -> list[str]:
        """The attributes that are categories, in the order in which they suit to name the content: ``label``,
        then those that the latents tell best, by the mean score of their values' directions."""
        told = {
            name: [d.score for key, d in self.directions.items() if key.startswith(f"{name}=")]
            for name, kind in self.card.attributes.items()
            if kind == "category"
        }
        return sorted(
            told, key=lambda name: (name != "label", len(told[name]) < 2, -np.mean(told[name] or [0.0]))
        )

    def style(self, by: str | None = None) -> Style:
        """The split of the latents into the content that a category names and the style that is left; kept
        once fitted.
        """
        kinds = self.categories
        name = by or (kinds[0] if kinds else "label")
        if name not in kinds:
            raise unknown(
                "category",
                name,
                kinds,
                "Content is what a category names: choose one with --by, or add one with `liminal label`.",
            )
        if name not in self._styles:

            def fitted() -> Style:
                table = self.catalogue.table(columns=["z", name], split="train")
                z, labels = vectors(table, self.dim), table[name].to_pylist()
                return fit_style(z, labels, name=name, decode=self.generator.decode)

            self._styles[name] = self.kept.thing(f"style by {name}", Style, fitted, tensors=True)
        return self._styles[name]

    def _class(self, item: Item, by: str) -> str | None:
        """The class that the catalogue knows of an item; None for anything else."""
        if isinstance(item, str) and re.fullmatch(r"\s*@\d+\s*", item):
            item = int(item.strip()[1:])
        if not isinstance(item, int | np.integer):
            return None
        return str(self.catalogue.rows([int(item)], [by])[by][0].as_py())

    # -- seeing and measuring

    def inverse(self, drawn: Map, seed: int = 0) -> Inverse:
        """The way back from a map of this space: places (m, 2) -> latents, with an expected error, and where
        there is nothing.

        Args:
            drawn: as `map` made it.
            seed: of the items that are left out to tell the error.
        """
        look = lambda z: self.modality.chart(self.generator.decode(torch.from_numpy(z))).cpu().numpy()
        real = lambda rows: self.modality.chart(
            self.modality.soft(self.items(drawn.ids[rows].tolist()))
        ).numpy()
        return drawn.inverse(seed, look, real)

    def at(
        self, places: Sequence[tuple[float, float]], method: str = "umap", seed: int = 0
    ) -> tuple[Samples, InverseResult]:
        """Items decoded at places (x, y) of the space's map, and how far each can be trusted."""
        found = self.inverse(self.map(method, seed=seed), seed)(
            np.asarray(places, dtype=np.float64).reshape(-1, 2)
        )
        z = torch.from_numpy(found.z)
        return Samples(z, self.decode(z), self.modality, f"{method} map"), found

    def lattice(self, drawn: Map, columns: int = 12, rows: int = 12) -> Lattice:
        """Decoded items in rows and columns over the extent of a map of this space, as `map` made it."""
        return lattice(self.inverse(drawn), self.generator, self.modality, drawn, rows, columns)

    def clusters(self, method: str = "hdbscan", k: int | None = None, seed: int = 0) -> Clusters:
        """Groups of items, found without labels and named by what they have in common; kept once found.

        Args:
            method: ``hdbscan`` or ``kmeans``.
            k: clusters of k-means.
            seed: the same seed gives the same clusters.
        """
        key = (method, k, seed)
        if key not in self._clusters:
            title, preview = self.card.data["name"], self._preview(np.arange(len(self.catalogue)))

            def find() -> tuple[Arrays, Facts]:
                table = self.catalogue.table(columns=["id", "z", *self.card.attributes])
                known = table.select(list(self.card.attributes)) if self.card.attributes else None
                z, ids = vectors(table, self.dim), np.array(table["id"])
                found = clusters(z, method=method, k=k, attributes=known, ids=ids, seed=seed)
                arrays, facts = apart(found, ("clusters", "title", "preview"))
                return arrays, {**facts, "clusters": [asdict(cluster) for cluster in found.clusters]}

            arrays, facts = self.kept.once(f"clusters by {method}, {k}, {seed}", find)
            groups = tuple(Cluster.of(told) for told in facts["clusters"])
            rest = {name: value for name, value in facts.items() if name != "clusters"}
            self._clusters[key] = together(
                Clusters, arrays, rest, clusters=groups, title=title, preview=preview
            )
        return self._clusters[key]

    def measure(self, seed: int = 0, quick: bool = False, voice: Voice | None = None) -> Report:
        """What the space is worth: reconstruction, sampling, structure, compression, with intervals; see
        `measures.measure`.
        """
        from .measures import measure

        speak = voice or speaking()
        train, held = (
            self._chosen(split, 2_000 if quick else most, seed)
            for split, most in (("train", 10_000), ("held", 5_000))
        )
        attributes = (
            (train.drop_columns(["id", "z"]), held.drop_columns(["id", "z"]))
            if self.card.attributes
            else None
        )
        report = measure(
            self.generator,
            self.modality,
            self.items(train.column("id").to_pylist()),
            self.items(held.column("id").to_pylist()),
            train_z=vectors(train, self.dim),
            held_z=vectors(held, self.dim),
            attributes=attributes,
            samples=lambda n, seed: self.samplers[self.card.sampler["default"]].sample(n, rng(seed)),
            reader=self.reader,
            support=self.trust,
            mixer=self.mixer,
            flow=self.flow,
            seed=seed,
            quick=quick,
            progress=speak.progress,
        )
        speak.close()
        return report

    def meaning(self, pairs: int = 300, seed: int = 0, voice: Voice | None = None) -> Meaning:
        """Do mixtures of latents decode to mixtures of what the items show, and is that a property of the
        mapping or of the prior?

        Args:
            pairs: of items, and of draws.
            seed: of every choice.
            voice: hears progress.

        Raises:
            LiminalError: fewer than 80 items.
        """
        from .measures.meaning.meaning import meaning

        speak = voice or speaking()
        table = self._chosen(None, 4_000, seed)
        random = None
        if isinstance(self.generator, Trainable | Inverted):
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                random = self.generator.untrained().to(self.generator.device)
        found = meaning(
            self.generator,
            self.modality,
            vectors(table, self.dim),
            self.items(table["id"].to_pylist()),
            read=self.read,
            flow=self.flow,
            random=random,
            pairs=pairs,
            radius_pairs=pairs // 2,
            seed=seed,
            progress=speak.progress,
        )
        speak.close()
        return found

    def stability(self, others: Sequence[Space], most: int = 2_000, seed: int = 0) -> list[Measure]:
        """How far spaces of the same kind of data, best fitted with other seeds, agree with this one and with
        each other.

        Args:
            others: one or more; each encodes this space's held-out items.
            most: items at most.
            seed: of every choice.

        Returns:
            As `measures.structure.stability.stability`: agreement of the latents (CKA), shared neighbours,
            clusters, and for each attribute how well a direction of one space, turned into another, still
            tells it there.

        Raises:
            LiminalError: no other space is given, one takes other items, or there are too few held-out ones.
        """
        from .measures.structure.stability import stability

        for other in others:
            if other.modality.config() != self.modality.config():
                raise LiminalError(
                    f"stability: {other.card.data['name']} has other items; wanted spaces of "
                    f"{self.card.data['name']}"
                )
        table = self._chosen("held", most, seed)
        items = self.items(table["id"].to_pylist())
        latents = [vectors(table, self.dim), *(other.encode(items) for other in others)]
        return stability(
            latents, table.drop_columns(["id", "z"]) if self.card.attributes else None, seed=seed
        )

    def info(self) -> dict[str, Any]:
        """JSON-ready facts about the space."""
        return {**super().info(), "parameters": sum(p.numel() for p in self.generator.parameters())}

    @cached_property
    def locks(self) -> Locks:
        """What takes out of a change whatever would move some attributes: ``space.locks(vector,
        ["smile"])``.
        """
        splits = ("train", "held")
        table = lambda name: tuple(
            self.catalogue.table(columns=["id", name], split=split) for split in splits
        )
        return Locks(self.latents, list(self.card.attributes), table)
