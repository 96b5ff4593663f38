"""What each measure is called and what it says, for somebody who reads of it for the first time."""

from __future__ import annotations

GROUPS = {
    "reconstruction": (
        "Reconstruction",
        "Held-out items, which never took part in training, are encoded and decoded again.",
    ),
    "samples": (
        "Samples",
        "New items are drawn from the latent space and compared with real held-out ones on a general "
        "feature map, alike for every model. “Real items” is the same number for two disjoint sets of real "
        "items: as good as it can get.",
    ),
    "reader": (
        "Samples, seen by a reader",
        "The same comparison in the eyes of a small network that was trained to read the attributes of real "
        "items: differences that matter for them count, others do not.",
    ),
    "structure": (
        "Structure",
        "What the latent space keeps of the data's neighbourhoods, and how many of its dimensions it uses.",
    ),
    "geometry": (
        "Geometry",
        "How evenly the decoder spreads the space over the data: whether a step of one length changes items "
        "as much in every direction, and whether straight ways in the space are straight for what they "
        "decode to.",
    ),
    "trust": (
        "How far to trust a point",
        "Every point of the space has a support between 0 and 1: 0.03 means that only 3 % of real items lie "
        "as far out. Here it is tested: on real items, on points that are known to be doubtful, and against "
        "what points decode to.",
    ),
    "disentanglement": (
        "Does one dimension stand for one attribute?",
        "Single latent dimensions are held against known attributes of held-out items. Low numbers do not "
        "say that an attribute cannot be read or edited, only that no single dimension is it.",
    ),
    "meaning": (
        "Do mixtures mean something?",
        "What lies between two items, as read from what it decodes to.",
    ),
    "code": ("Size of the code", "How small an item's latent vector is, and how much it tells."),
    "dimensions": (
        "The dimensions, one by one",
        "Each strip starts at the mean of the held-out items and moves along one dimension alone, from "
        "three standard deviations below it to three above; the most used dimension comes first. The words "
        "say what changes from left to right. Effects are read from decoded items, never from the latent "
        "vector: how many standard deviations of the reading one step of a standard deviation adds, on "
        "average over items.",
    ),
}

# name (before the dot) -> group, title, end of the scale where that is fixed, what it says
WORDS: dict[str, tuple[str, str, float | None, str]] = {
    "mse": (
        "reconstruction",
        "Mean squared error",
        None,
        "How far decoded values are from the original ones, squared, on average.",
    ),
    "psnr": (
        "reconstruction",
        "Peak signal-to-noise ratio",
        None,
        "The same error in decibels: 10 more means a tenth of the squared error.",
    ),
    "ssim": (
        "reconstruction",
        "Structural similarity",
        1.0,
        "Whether edges and textures agree, window by window; 1 is a perfect copy.",
    ),
    "lsd": (
        "reconstruction",
        "Log-spectral distance",
        None,
        "How far levels are off in each band and frame, silence counted as -80 dB.",
    ),
    "frechet": (
        "samples",
        "Fréchet distance",
        None,
        "How far samples as a whole are from real items: 0 where means and spreads agree.",
    ),
    "frechet_infinity": (
        "samples",
        "Fréchet distance, unbiased",
        None,
        "The same without the part that only comes from counting few items; near or below 0 where nothing "
        "differs.",
    ),
    "kid": (
        "samples",
        "Kernel distance (KID)",
        None,
        "Another distance between the two sets, which also sees shapes that means and spreads miss. 0 on "
        "average where nothing differs.",
    ),
    "precision": ("samples", "Precision", 1.0, "The share of samples that look like something real."),
    "recall": (
        "samples",
        "Recall",
        1.0,
        "The share of real items that look like something the space can make.",
    ),
    "density": (
        "samples",
        "Density",
        None,
        "How deep samples sit among real items: near 1 where they are as typical as real ones.",
    ),
    "coverage": (
        "samples",
        "Coverage",
        1.0,
        "The share of real items that have a sample close by: low where a kind of item is missing.",
    ),
    "vendi": (
        "samples",
        "Variety (Vendi score)",
        None,
        "How many clearly different items there are among the samples, as a share of those among as many "
        "real ones. "
        "Below 1: less varied; above 1: spread wider than real items, or noisy.",
    ),
    "told_apart": (
        "samples",
        "Told from real items",
        1.0,
        "How often a small network tells a sample from a real item: half of the time if it has to guess, 1 "
        "if every sample "
        "gives itself away.",
    ),
    "authenticity": (
        "samples",
        "Authentic samples",
        1.0,
        "The share of samples that are no near copies of a training item. Compare it with unseen real "
        "items: far below them, "
        "the model hands out what it has learnt by heart.",
    ),
    "nearer": (
        "samples",
        "Nearer to training items than new items are",
        1.0,
        "The chance that a sample lies nearer to the training items than an unseen real item does: 0.5 is "
        "as it should be, "
        "near 1 says copies, near 0 says unlike anything real.",
    ),
    "modes_found": (
        "samples",
        "Kinds of items found",
        1.0,
        "The share of the kinds among real items of which there is a sample at all.",
    ),
    "modes_shift": (
        "samples",
        "Kinds out of proportion",
        1.0,
        "The share of samples that would have to be of another kind to have kinds in the proportions of "
        "real items.",
    ),
    "knn_accuracy": (
        "structure",
        "Neighbours agree on",
        1.0,
        "How often the 10 nearest latent vectors vote for an item's own label.",
    ),
    "purity": (
        "structure",
        "Neighbours with the same",
        1.0,
        "The share of an item's 10 nearest latent vectors that have its label.",
    ),
    "trustworthiness": (
        "structure",
        "Trustworthiness",
        1.0,
        "Whether neighbours in the latent space are neighbours in the data; 0.5 is chance.",
    ),
    "continuity": (
        "structure",
        "Continuity",
        1.0,
        "The other way round: whether neighbours in the data are still neighbours in the latent space; 0.5 "
        "is chance.",
    ),
    "active_units": (
        "structure",
        "Dimensions in use",
        None,
        "Latent dimensions whose value changes from item to item (variance above 0.01). Ten copies of one "
        "dimension count as ten: "
        "see the next number.",
    ),
    "principal_axes": (
        "structure",
        "Independent axes in use",
        None,
        "How many perpendicular axes hold 99 % of what changes from item to item; dimensions that move "
        "together count once.",
    ),
    "intrinsic_dimension": (
        "structure",
        "Intrinsic dimension",
        None,
        "On how many numbers an item's neighbourhood really depends, estimated from distances to the 20 "
        "nearest.",
    ),
    "enough_dimensions": (
        "structure",
        "Axes that suffice",
        None,
        "So many principal axes of the latent vectors give 95 % of the gain in reconstruction that all of "
        "them give.",
    ),
    "condition_number": (
        "geometry",
        "Condition number",
        None,
        "How many times more a step changes the item along the most sensitive direction than along the "
        "least; 1 would be even.",
    ),
    "volume_spread": (
        "geometry",
        "Unevenness from place to place",
        None,
        "How much the strength of the decoder's response differs between places of the space; 0 would be "
        "the same everywhere.",
    ),
    "path_length": (
        "geometry",
        "Perceptual path length",
        None,
        "How fast features change along straight ways between items, squared. To be compared under one "
        "feature map only.",
    ),
    "path_detour": (
        "geometry",
        "Detour of straight ways",
        None,
        "The same beside the least that it could be for the same two ends: 1 goes straight from one to the "
        "other, 2 takes a detour.",
    ),
    "geodesic_ratio": (
        "geometry",
        "Shortest over straight ways",
        1.0,
        "The length of the shortest way that was found between two items, as a share of the straight way's, "
        "both in data. Near 1: flat.",
    ),
    "support_auroc": (
        "trust",
        "Low support predicts bad items",
        1.0,
        "The chance that, of a point that decodes to something unlike real items and of one that does not, "
        "the bad one has the lower "
        "support; 0.5 is guessing.",
    ),
    "support_uniform": (
        "trust",
        "Real items get what they should",
        1.0,
        "The chance to see support that differs as much between two halves of the held-out items if it is "
        "calibrated. "
        "Below 0.05 it deserves suspicion.",
    ),
    "belonging": (
        "trust",
        "Held-out items that belong",
        1.0,
        "The share of unseen real items that are accepted as of the space's kind.",
    ),
    "support_of": ("trust", "Support of", 1.0, "The median support of such points."),
    "mig": (
        "disentanglement",
        "Gap between dimensions (MIG)",
        1.0,
        "How much more the best single dimension tells of an attribute than the second best, on average "
        "over attributes.",
    ),
    "infom": (
        "disentanglement",
        "Modularity (InfoM)",
        1.0,
        "Whether each dimension tells of one attribute only.",
    ),
    "infoc": (
        "disentanglement",
        "Compactness (InfoC)",
        1.0,
        "Whether each attribute is told by one dimension only.",
    ),
    "infoe": (
        "disentanglement",
        "Explicitness (InfoE)",
        1.0,
        "How much of what is to be known of the attributes a linear reader finds.",
    ),
    "explicitness": (
        "disentanglement",
        "Linear explicitness",
        1.0,
        "How well a linear reader of the whole latent vector knows the attributes of held-out items.",
    ),
    "factorvae": (
        "disentanglement",
        "FactorVAE's metric",
        1.0,
        "Items alike in one attribute: how often the dimension that varies least among them tells which "
        "attribute that was.",
    ),
    "dci_disentanglement": (
        "disentanglement",
        "Disentanglement (DCI)",
        1.0,
        "Whether trees use each dimension for one attribute only.",
    ),
    "dci_completeness": (
        "disentanglement",
        "Completeness (DCI)",
        1.0,
        "Whether trees need one dimension only for each attribute.",
    ),
    "dci_informativeness": (
        "disentanglement",
        "Informativeness (DCI)",
        1.0,
        "How well trees read the attributes from the dimensions.",
    ),
    "betweenness": (
        "meaning",
        "Lies between",
        1.0,
        "Of two items, the share of mixtures whose reading lies between the two readings and that look real "
        "too.",
    ),
    "linearity": (
        "meaning",
        "Mean of two latents against the mix",
        None,
        "How far the mean of two latents decodes from the two items mixed half and half, as both at once.",
    ),
    "betweenness_alone": (
        "meaning",
        "Lies between, real or not",
        1.0,
        "The same without asking whether the mixture looks real.",
    ),
    "realism": (
        "meaning",
        "Mixtures that look real",
        1.0,
        "The share of mixtures no farther from a real item than 95 % of unseen real ones.",
    ),
    "monotonicity": (
        "meaning",
        "Goes one way",
        1.0,
        "How straight a reading goes from one end to the other: 1 never turns back, 0 ends where it began.",
    ),
    "midpoint_bias": (
        "meaning",
        "Off the middle",
        None,
        "How far the reading half-way is from the middle of the two ends' readings, in standard deviations "
        "over items.",
    ),
    "largest_jump": (
        "meaning",
        "Largest jump",
        1.0,
        "The share of all change that happens in the largest one of the steps.",
    ),
    "betweenness_along": (
        "meaning",
        "Lies between, along",
        1.0,
        "The share of mixtures in between that look real, on this kind of way.",
    ),
    "betweenness_under": (
        "meaning",
        "Lies between, under the control",
        1.0,
        "The same after the latent space was re-arranged without changing what it makes: folding destroys "
        "neighbourhoods, "
        "rotating does not.",
    ),
    "control_loss": (
        "meaning",
        "Lost under the control",
        1.0,
        "What that re-arrangement costs: much under folding says that meaning is a property of the mapping; "
        "next to nothing under rotation.",
    ),
    "compression": (
        "code",
        "Compression",
        None,
        "How many times smaller the latent vector (32-bit numbers) is than the stored item.",
    ),
    "kl": (
        "code",
        "KL to the prior",
        None,
        "How much an item's code tells beyond what the prior says already; 0: it tells nothing.",
    ),
    "code_bits": (
        "code",
        "Information in a code",
        None,
        "The same in bits: what an item costs on average if the prior is the code's model.",
    ),
    "collapsed": (
        "code",
        "Collapsed dimensions",
        None,
        "Dimensions whose code tells nothing for 99 % of the items, so that the decoder cannot use them.",
    ),
    "effective_dimensions": (
        "code",
        "Dimensions that share the work",
        None,
        "How many dimensions there would be if all told as much as each other: all of them if evenly "
        "shared, 1 if one carries everything.",
    ),
}

TIMES = {"normalised": "above chance"}  # what follows a dot and is no name


def words(name: str) -> tuple[str, str, float | None, str]:
    """Group, title, fixed end of scale and meaning of a measure by its name; what follows a dot goes into the
    title.

    A name that is not known is an error that one kind of data has of its own.
    """
    stem, _, over = name.partition(".")
    if stem == "reader":
        return "reader", *words(over)[1:]
    named = stem.replace("_", " ").capitalize()
    group, title, top, meaning = WORDS.get(stem, ("reconstruction", named, None, ""))
    if over in TIMES:
        return group, f"{title}, {TIMES[over]}", top, meaning
    return group, f"{title} “{over}”" if over else title, top, meaning
