"""Sounds: what is read from files, traps included, what spectrograms keep, and what is heard again."""

from __future__ import annotations

import io
import itertools
import tracemalloc
from pathlib import Path
from typing import Any

import av
import kinds
import numpy as np
import pytest
import soundfile
import torch
from scipy.signal import ShortTimeFFT

import liminal
from liminal import files, registry
from liminal.datasets import sounds
from liminal.errors import LiminalError
from liminal.modalities import phase, sonogram, timbre
from liminal.modalities.audio import Audio
from liminal.tensors import rng

PLAIN = Audio(8000, 1.0)
TIME = np.arange(8192) / 8000
SILENCE = np.zeros(0, np.float32)


def tone(f: float = 440.0, seconds: float = 1.024, rate: int = 8000, size: float = 0.5) -> np.ndarray:
    """A sine, float32."""
    return (size * np.sin(2 * np.pi * f * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def saw(f: float, seconds: float = 1.024, rate: int = 8000) -> np.ndarray:
    """All harmonics, the k-th 1 / k as strong as the first."""
    return sum(tone(k * f, seconds, rate, 0.5 / k) for k in range(1, int(rate / 2 / f)))


def wav(samples: np.ndarray, rate: int = 8000, kind: str = "WAV", subtype: str = "PCM_16") -> io.BytesIO:
    held = io.BytesIO()
    soundfile.write(held, samples, rate, format=kind, subtype=subtype)
    held.seek(0)
    return held


def levels(samples: np.ndarray, m: Audio = PLAIN) -> np.ndarray:
    return np.concatenate([*phase.spectrogram([samples.astype(np.float32)], m.hertz, m.bands)], 1)


def read(m: Audio, source: Any) -> list:
    return list(m.records(source, "a"))


def said(source: Any, m: Audio = PLAIN) -> str:
    """The one line that a file is refused with."""
    with pytest.raises(LiminalError) as error:
        read(m, source)
    assert "\n" not in str(error.value)
    return str(error.value)


def lsd(a: np.ndarray, b: np.ndarray) -> float:
    """The log-spectral distance in dB, written down once more."""
    return float(np.sqrt((((a.astype(float) - b) * 80 / 255) ** 2).mean(-2)).mean())


def spoken() -> list[Path]:
    """Sixty spoken digits of six speakers."""
    folder = files.data_folder()
    if folder is None or not (folder / "fsdd").is_dir():
        pytest.skip("LIMINAL_DATA names no folder with fsdd")
    return sorted((folder / "fsdd" / "recordings").glob("*_3.wav"))


# -- spectrograms, and sounds from them


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100])
@pytest.mark.parametrize("bands", [16, 64, 128])
def test_the_powers_of_a_sine_add_up_to_its_square(rate: int, bands: int) -> None:
    m = Audio(rate, 0.3, bands)
    low, high = phase.centres(rate, bands)[[0, -1]]
    for f in np.linspace(max(low, 2 * rate / (4 * m.hop)), high, 7):
        middle = levels(tone(f, 0.6, rate, 0.5), m)[:, 12:16]
        power = timbre.powers(torch.from_numpy(middle / np.float32(255))[None, None]).sum(1)
        assert 10 * np.log10(power.numpy()) == pytest.approx(-6.02, abs=0.9)  # where filters overlap: sum 1


def test_the_transform_is_the_one_that_scipy_has() -> None:
    x, hop = saw(220), PLAIN.hop
    other = ShortTimeFFT(phase.window_of(8000).astype(float), hop, 8000).stft(x)
    mine = phase.transform(x, 40, 8000)
    first = next(
        i for i in range(other.shape[1]) if np.allclose(np.abs(other[:, i]), np.abs(mine[0]), atol=1e-3)
    )
    assert np.allclose(np.abs(other[:, first : first + 40].T), np.abs(mine), atol=1e-3)


def test_bands_lie_on_the_mel_scale_and_each_hears_something() -> None:
    mel = 2595 * np.log10(1 + phase.centres(8000, 64) / 700)
    assert np.diff(mel) == pytest.approx(mel[0])
    assert 2595 * np.log10(1 + 4000 / 700) == pytest.approx(65 * mel[0])
    for rate, bands in itertools.product((2000, 8000, 22_050, 96_000), (16, 64, 128)):
        w = phase.weights(rate, bands)
        assert (w.max(1) > 0.1).all()
        assert (w >= 0).all()
        assert (w <= 1).all()


def test_a_spectrogram_does_not_hang_on_how_the_sound_is_cut() -> None:
    x, draw = saw(220), np.random.default_rng(0)
    whole = levels(x)
    assert whole.shape == (64, 64)
    for _ in range(3):
        cuts = np.sort(draw.integers(0, len(x), 12))
        assert np.array_equal(np.concatenate([*phase.spectrogram(np.split(x, cuts), 8000, 64)], 1), whole)
    assert levels(x[:1]).shape == (64, 1)
    assert levels(x[: 128 * 9 + 1]).shape == (64, 10)


def test_what_is_heard_again_has_the_spectrogram(monkeypatch: pytest.MonkeyPatch) -> None:
    """Real speech: within 3 dB, far nearer than another digit, nearer than without momentum and than from
    phases of 0, and the same each time."""
    items = [PLAIN.read(path) for path in spoken()[::6]]
    back = [phase.waveform(item, 8000) for item in items]
    off = [lsd(levels(x), item) for x, item in zip(back, items, strict=True)]
    assert max(off) < 3
    assert np.mean(off) < 0.3 * np.mean([lsd(a, b) for a, b in itertools.pairwise(items)])
    assert all(x.shape == (64 * 128,) and np.abs(x).max() <= 1 for x in back)
    assert np.array_equal(phase.waveform(items[0], 8000), back[0])
    with monkeypatch.context() as plain:
        plain.setattr(phase, "started", lambda wanted: np.ones_like(wanted, np.complex64))
        assert np.mean(off) < 0.97 * np.mean([lsd(levels(phase.waveform(i, 8000)), i) for i in items])
    monkeypatch.setattr(phase, "MOMENTUM", 0.0)
    assert np.mean(off) < np.mean([lsd(levels(phase.waveform(i, 8000)), i) for i in items])


@pytest.mark.parametrize("hertz", [300, 437.3, 1200])
def test_phases_start_as_those_of_sines_that_go_on(hertz: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """After silence, between two bins or on one, a tone is as large as it was before any iteration: frames
    do not take from each other."""
    monkeypatch.setattr(phase, "ITERATIONS", 0)
    wanted = np.pad(levels(tone(hertz)), ((0, 0), (5, 0)))
    x = phase.waveform(wanted, 8000)[1024:5120]
    assert np.sqrt(2 * np.mean(x**2)) == pytest.approx(0.5, rel=0.04)


def test_loudness_and_pitch_come_back() -> None:
    for f, size in ((220, 0.5), (700, 0.9), (1500, 0.05)):
        x = phase.waveform(levels(tone(f, size=size)), 8000)[1024:-1024]
        assert np.sqrt(2 * (x**2).mean()) == pytest.approx(size, rel=0.15)
        spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
        assert spectrum.argmax() * 8000 / len(x) == pytest.approx(f, abs=12)


def test_silence_is_silence() -> None:
    assert not levels(np.zeros(8192)).any()
    assert not phase.waveform(np.zeros((64, 64), np.uint8), 8000).any()
    assert lsd(levels(tone(size=1e-5)), np.zeros((64, 64))) == 0  # below the floor


def test_a_path_is_one_sound_without_seams() -> None:
    """Windows of a long tone, heard one after the other, go on where they meet; heard alone they do not."""
    x = tone(300, 4.096)
    items = np.stack([r.item for r in read(PLAIN, wav(x))])
    assert items.shape == (4, 64, 64)
    told = np.concatenate([*items], 1).astype(int)
    assert np.abs(told - levels(x))[told > 60].max() <= 1  # files of 16 bits have noise of their own
    whole, rate = PLAIN.sound(items)
    assert (whole.shape, rate) == ((4 * 8192,), 8000)
    alone = np.concatenate([PLAIN.sound(item[None])[0] for item in items])
    bend = lambda y: max(np.abs(np.diff(y[i * 8192 - 2 : i * 8192 + 2], 2)).max() for i in (1, 2, 3))
    usual = 0.5 * (2 * np.pi * 300 / 8000) ** 2  # of a sine of this size
    assert bend(whole) < 2 * usual < bend(alone)


# -- files


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"),
        ("WAV", "ULAW"),
        ("FLAC", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", "MPEG_LAYER_III"),
    ],
)
def test_formats_give_one_item(kind: str, subtype: str) -> None:
    """The loud bands: what is quiet is a format's own noise."""
    x = saw(220, 1.0)
    (record,) = read(PLAIN, wav(x, 8000, kind, subtype))
    plain = read(PLAIN, wav(x))[0].item
    loud = plain[:, 4:56] > 150
    assert np.abs(record.item[:, 4:56].astype(int) - plain[:, 4:56])[loud].max() < (
        60 if kind == "MP3" else 12
    )


@pytest.mark.parametrize(("codec", "ending"), [("aac", "mp4"), ("aac", "adts"), ("libopus", "matroska")])
def test_what_soundfile_cannot_read_is_read(codec: str, ending: str, tmp_path: Path) -> None:
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    rate = 48_000
    x = saw(220, 1.0, rate)[None]
    with av.open(str(tmp_path / "a"), "w", format=ending) as file:
        stream = file.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(x.astype(np.float32), "fltp", "mono")
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            file.mux(packet)
    for source in (tmp_path / "a", io.BytesIO((tmp_path / "a").read_bytes())):
        (record,) = read(PLAIN, source)
        assert "resampled from 48,000 to 8,000 Hz" in record.remarks
        pitch = PLAIN.readings(PLAIN.soft(record.item[None]))["pitch"]
        assert float(pitch) == pytest.approx(57, abs=0.2)


@pytest.mark.parametrize("rate", [8000, 11_025, 44_100, 48_000, 96_000])
def test_one_sound_at_any_rate(rate: int) -> None:
    (record,) = read(PLAIN, wav(saw(220, 1.0, rate)[: int(rate * 0.99)], rate))
    plain = read(PLAIN, wav(saw(220, 1.0)[:7920]))[0].item
    assert lsd(record.item[:56, 4:56], plain[:56, 4:56]) < 1.5
    assert record.remarks == (() if rate == 8000 else (f"resampled from {rate:,} to 8,000 Hz",))


@pytest.mark.parametrize("channels", [2, 10])
def test_channels_are_folded_to_their_mean_which_is_said(channels: int) -> None:
    x = saw(220, 1.0)
    many = np.stack([x * (1 + (c % 2)) / 3 for c in range(channels)], 1)
    (record,) = read(PLAIN, wav(many, subtype="FLOAT"))
    assert record.remarks == (f"folded from {channels} channels to one",)
    assert np.abs(record.item[:, :62].astype(int) - levels(x / 2)[:, :62]).max() <= 1


def test_a_one_shot_begins_at_its_onset_and_ends_in_silence() -> None:
    shot = tone(440, 0.3) * np.exp(-TIME[:2400] * 8).astype(np.float32)
    late = np.concatenate([np.zeros(5000, np.float32), shot, np.zeros(30_000, np.float32)])
    (plain,), (found,) = read(PLAIN, wav(np.pad(shot, (500, 0)))), read(PLAIN, wav(late))
    assert (found.entry, found.group, found.known) == (None, None, {})
    assert np.array_equal(found.item, plain.item)
    assert found.item.any(0).nonzero()[0][0] <= 1
    assert not found.item[:, 30:].any()


def test_longer_ones_are_cut_or_become_windows() -> None:
    (cut,) = read(PLAIN, wav(saw(220, 1.4)))
    assert cut.remarks == ("cut to 1.02 s",)
    assert cut.item[:, -1].any()
    found = read(PLAIN, wav(saw(220, 2.4)))
    assert [(r.entry, r.known, r.group) for r in found] == [
        (0, {"start": 0.0}, "a"),
        (1, {"start": 1.024}, "a"),
        (2, {"start": 2.048}, "a"),
    ]
    assert not found[2].item[:, 25:].any()
    hole = np.concatenate([saw(220, 1.024), np.zeros(20_000, np.float32), saw(220, 2.048)])
    assert [r.item is None for r in read(PLAIN, wav(hole))] == [False, False, True, False, False, False]


def test_what_cannot_be_used_is_told_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    x = saw(220)
    x[4000] = np.nan
    assert said(wav(x, subtype="FLOAT")) == "a: it holds NaN or infinity at 0.500 s; wanted numbers"
    x[4000] = np.inf
    assert "at 0.500 s" in said(wav(x, subtype="DOUBLE"))
    (silent,) = read(PLAIN, wav(np.zeros(8000)))
    assert (silent.item, silent.remarks) == (None, ("it is silent",))
    assert read(PLAIN, wav(SILENCE))[0].item is None
    (tmp_path / "a.mp3").write_text("It was a dark and stormy night.\n" * 50)
    assert "it is no sound that can be read" in said(tmp_path / "a.mp3")
    assert capfd.readouterr().err == ""  # nor do libraries say anything
    with pytest.raises(LiminalError, match=r"none of these files can be read; a\.mp3: it is no sound"):
        Audio.infer([tmp_path / "a.mp3"])
    assert "it is no sound that can be read" in said(io.BytesIO(b""))
    assert "cannot be read" in said(tmp_path / "none.wav")
    (tmp_path / "list.m4a").write_text("#EXTM3U\n#EXTINF:1,\na.mp3\n")
    assert "it is no sound that can be read" in said(tmp_path / "list.m4a")
    whole = wav(saw(220)).getvalue()
    assert read(PLAIN, io.BytesIO(whole[: len(whole) // 2]))[0].item is not None  # half a wave is a sound
    assert "no sound" in said(io.BytesIO(whole[:30]))
    flac = wav(saw(220, 1.0), kind="FLAC").getvalue()
    assert "damaged" in said(io.BytesIO(flac[:200] + bytes(len(flac) - 200)))


def test_clipping_is_said() -> None:
    loud = np.clip(3 * saw(220, 1.0), -1, 1)
    assert read(PLAIN, wav(loud))[0].remarks == ("clipped when they were recorded",)
    assert read(PLAIN, wav(tone(440, 1.0, size=0.999)))[0].remarks == ()
    assert read(PLAIN, wav(tone(440, 1.0, size=1.0)))[0].remarks == ()  # a peak is no row
    beyond = read(PLAIN, wav(3 * tone(440, 1.0), subtype="FLOAT"))[0]
    assert beyond.remarks == ("louder than full scale, and cut there",)


class Counted(io.FileIO):
    """A file that counts what is read of it."""

    total = 0

    def read(self, size: int = -1) -> bytes:
        data = super().read(size)
        self.total += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer)
        self.total += count
        return count


def test_two_hours_are_read_in_blocks(tmp_path: Path) -> None:
    """The first window comes after a few seconds of it, and memory does not grow with the file."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_16") as out:
        out.write(saw(220, 2.048))
        data = out.tell()
    head = path.read_bytes()[: path.stat().st_size - 2 * data]
    count = 2 * 3600 * 8000
    head = head[:4] + (len(head) - 8 + 2 * count).to_bytes(4, "little") + head[8:-4]
    with open(path, "r+b") as file:
        file.write(head + (2 * count).to_bytes(4, "little"))
        file.truncate(len(head) + 4 + 2 * count)  # the rest is silence, and takes no room on the disk
    with Counted(path) as counted:
        records = PLAIN.records(counted, "long")
        first = next(records)
        assert first.item is not None
        assert first.known == {"start": 0.0}
        assert counted.total < 1_000_000
        tracemalloc.start()
        more = [r.item is None for r in itertools.islice(records, 600)]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert more[0] is False
    assert all(more[2:])
    assert peak < 12_000_000


# -- what suits files


def test_what_suits_files_is_found_in_them(tmp_path: Path) -> None:
    for i in range(40):
        soundfile.write(tmp_path / f"{i}.wav", tone(300, 0.2 + i / 100, 16_000), 16_000)
    soundfile.write(tmp_path / "hd.wav", tone(300, 0.2, 96_000), 96_000)
    (tmp_path / "text.wav").write_text("no sound")
    m = Audio.infer(sorted(tmp_path.iterdir()))
    assert (m.hertz, m.bands, m.frames) == (16_000, 64, 48)
    assert m.seconds == pytest.approx(0.768)
    assert Audio.infer([wav(saw(220, 9, 44_100), 44_100)]) == Audio(22_050, 1.0)
    assert Audio.infer([wav(saw(220, 9))], seconds=0.5, bands=32) == Audio(8000, 0.5, 32)
    assert "0.768 s at 16,000 Hz" in m.told[0]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"hertz": 500}, "wanted 2,000"),
        ({"bands": 60}, "wanted 16, 32"),
        ({"bands": 256}, "wanted 16, 32"),
        ({"seconds": 0}, "wanted up to 4.096 at 8,000 Hz"),
        ({"seconds": 5}, "longer sounds become windows"),
        ({"nosuch": 1}, "nosuch"),
    ],
)
def test_options_out_of_range_are_refused(wrong: dict, told: str) -> None:
    with pytest.raises(LiminalError, match=told):
        Audio.infer([wav(saw(220))], **{"hertz": 8000, **wrong})


def test_windows_of_a_file_are_never_parted(tmp_path: Path) -> None:
    for i in range(4):
        soundfile.write(tmp_path / f"{i}.wav", saw(200 + 40 * i, 5.0), 8000)
    data = registry.dataset(tmp_path)
    assert data.sources[:2] == ["0.wav#0", "0.wav#1"]
    assert data.groups is not None
    assert len(set(data.groups)) == 4
    assert data.attributes.column_names == ["start"]


def test_what_is_written_is_that_sound(tmp_path: Path) -> None:
    item = levels(saw(220) + 0.01 * np.random.default_rng(0).normal(size=8192))
    for ending in (".wav", ".flac"):
        PLAIN.write(item, tmp_path / f"a{ending}")
        told = soundfile.info(tmp_path / f"a{ending}")
        assert (told.samplerate, told.channels, told.frames, told.subtype) == (8000, 1, 8192, "PCM_16")
        assert lsd(PLAIN.read(tmp_path / f"a{ending}"), item) < 4
    with pytest.raises(LiminalError, match=r"\.wav, \.flac"):
        PLAIN.write(item, tmp_path / "a.mp3")
    with pytest.raises(LiminalError, match="wanted uint8 items"):
        PLAIN.write(item[:, :9], tmp_path / "b.wav")
    assert not (tmp_path / "b.wav").exists()


# -- eyes


def readings(samples: np.ndarray, m: Audio = PLAIN) -> dict[str, float]:
    read = m.readings(m.soft(levels(samples, m)[None, :, : m.frames]))
    return {name: float(value[0]) for name, value in read.items()}


@pytest.mark.parametrize("m", [PLAIN, Audio(16_000, 1.0), Audio(22_050, 1.0, 96)], ids=repr)
def test_pitch_is_right_on_tones(m: Audio) -> None:
    """Within a third of a semitone: sines, saws, odd harmonics only, saws whose first harmonic is weak."""
    seconds = m.frames * m.hop / m.hertz
    for semitones in np.arange(50, 80, 3.3):
        f = 440 * 2 ** ((semitones - 69) / 12)
        k = range(1, int(m.hertz / 2 / f))
        sine, full = tone(f, seconds, m.hertz), saw(f, seconds, m.hertz)
        odd = sum(tone(h * f, seconds, m.hertz, 0.5 / h) for h in k[::2])
        found = [readings(x, m)["pitch"] for x in (sine, full, odd, full - 0.8 * sine)]
        assert found[0] == pytest.approx(semitones, abs=0.8 if semitones < 55 else 0.4)
        assert found[1:3] == pytest.approx([semitones] * 2, abs=0.35)
        assert found[3] == pytest.approx(semitones, abs=0.35)


def test_readings_of_sounds_that_are_known() -> None:
    plain = readings(tone(1000, size=1.0))
    assert plain["loudness"] == pytest.approx(0, abs=0.3)
    assert plain["centroid"] == pytest.approx(1000, rel=0.01)
    assert plain["noisiness"] < 0.01
    assert plain["length"] == pytest.approx(1.024)
    assert readings(tone(440, size=0.1))["loudness"] == pytest.approx(-20, abs=0.3)
    noise = 0.1 * np.random.default_rng(0).normal(size=8192)
    white = readings(noise)
    assert white["noisiness"] > 0.75
    assert white["centroid"] == pytest.approx(2000, rel=0.06)
    assert white["loudness"] == pytest.approx(10 * np.log10(2 * np.square(noise).mean()), abs=0.5)
    half = tone(440)
    half[4096:] = 0
    assert readings(half)["length"] == pytest.approx(0.512, abs=0.033)
    assert readings(half)["loudness"] == pytest.approx(readings(tone(440))["loudness"], abs=0.3)
    rises = [readings(np.minimum(1, TIME / s) * tone(440))["attack"] for s in (0.001, 0.1, 0.2, 0.4)]
    assert rises[0] < 0.035
    assert rises[1:] == pytest.approx([0.08, 0.16, 0.32], abs=0.015)
    decay = readings(np.exp(-TIME / 0.1) * tone(440))  # 86.9 dB a second
    assert decay["length"] == pytest.approx(40 / 86.9, abs=0.04)
    empty = readings(np.zeros(8192))
    assert (empty["loudness"], empty["attack"], empty["length"]) == (-80, 0, 0)


def test_readings_have_gradients() -> None:
    y = PLAIN.soft(levels(saw(220))[None]).clone().requires_grad_(True)
    for name, value in PLAIN.readings(y).items():
        (slope,) = torch.autograd.grad(value.sum(), y, retain_graph=True)
        assert torch.isfinite(slope).all(), name
        assert slope.abs().sum() > 0 or name in ("attack", "length"), name
    assert set(PLAIN.steps) == set(PLAIN.readings(y))


def test_errors_are_decibels() -> None:
    x = PLAIN.tensor(np.full((2, 64, 64), 102, np.uint8))
    told = PLAIN.errors(x, x + torch.tensor([0.0, 0.1])[:, None, None, None])
    assert told["lsd"].tolist() == pytest.approx([0, 8], abs=1e-5)
    assert told["mse"].tolist() == pytest.approx([0, 0.01], abs=1e-6)
    assert next(iter(told)) == "lsd"
    other = np.random.default_rng(0).integers(0, 256, (1, 64, 64), np.uint8)
    found = float(PLAIN.errors(x[:1], PLAIN.tensor(other))["lsd"])
    assert found == pytest.approx(lsd(np.full((64, 64), 102), other[0]))


def test_training_sees_other_gains_and_times() -> None:
    item = np.pad(levels(saw(220, 0.5)), ((0, 0), (4, 28)))
    x = PLAIN.tensor(np.stack([item] * 50))
    seen = PLAIN.varied(x, rng(0))
    first = (seen.amax((1, 2)) > 0).int().argmax(1)
    assert set(first.tolist()) == {2, 3, 4, 5, 6}
    gain = 80 * (seen.amax((1, 2, 3)) - x.amax((1, 2, 3)))
    assert -6 <= float(gain.min()) < -4
    assert 4 < float(gain.max()) <= 6.001
    assert not seen[..., -8:].any()  # silence stays silence


def test_mixes_are_the_sounds_at_once() -> None:
    """What the two spectrograms tell of a mix is that of the waves added and halved."""
    noise = 0.1 * np.random.default_rng(0).normal(size=8192)
    low, high = saw(220, 0.5), np.pad(saw(333, 0.4), (1024, 0))[:8192]
    low, high = (np.pad(x, (0, 8192 - len(x))) for x in (low, high))
    pairs = [(low, high), (high, noise), (noise, low)]
    x = [PLAIN.tensor(np.stack([levels(pair[side]) for pair in pairs])) for side in (0, 1)]
    truth = PLAIN.tensor(np.stack([levels((a + b) / 2) for a, b in pairs]))
    blend = PLAIN.errors(truth, (x[0] + x[1]) / 2)["lsd"]
    found = PLAIN.errors(truth, PLAIN.mixed(*x))["lsd"]
    assert (found < 1.5).all()
    assert (found < blend / 3).all()
    assert not PLAIN.mixed(*torch.zeros(2, 1, 1, 64, 64)).any()


def test_reports_hold_means_of_latents_against_mixes(sound_space) -> None:
    (found,) = [m for m in liminal.open(sound_space).measure().measures if m.name == "linearity"]
    assert found.unit == "dB"
    assert set(found.baseline) == {"blend", "nearest of the items", "the mix, restored"}
    assert 0 < found.value < 80


def test_features_tell_what_sounds_alike() -> None:
    """A tone is nearer to itself 3 dB softer and a frame later than to another one, or to noise."""
    noise = 0.1 * np.random.default_rng(0).normal(size=8192)
    later = np.pad(0.7 * saw(220), (128, 0))[:8192]
    y = PLAIN.soft(np.stack([levels(x) for x in (saw(220), later, saw(500), noise)]))
    a, b, c, d = PLAIN.features(y)
    assert (a - b).norm() < 0.5 * min((a - c).norm(), (a - d).norm())


# -- hands


def test_a_picture_is_darker_where_it_is_louder_and_low_below() -> None:
    picture = np.asarray(sonogram.draw(levels(tone(300, size=0.9)), 256).convert("L"), float)
    assert picture[:100].mean() > 200
    assert picture.mean(1).argmin() > 170
    grey = [(0.299, 0.587, 0.114) @ colour for colour in sonogram.COLOURS]
    assert (np.diff(grey) < -5).all()


def test_captions_tell_pitch_where_there_is_one() -> None:
    assert PLAIN.caption(levels(saw(220))) == "A3, 1.02 s"
    noise = 0.1 * np.random.default_rng(0).normal(size=4096)
    assert PLAIN.caption(levels(np.pad(noise, (0, 4096)))).startswith("0.5")


# -- drawn ones


def test_drawn_sounds_are_what_their_factors_say() -> None:
    data = sounds.sounds(n=300, seed=1)
    told = {name: np.array(values) for name, values in data.attributes.to_pydict().items()}
    read = {k: v.numpy() for k, v in data.modality.readings(data.modality.soft(data.items)).items()}
    for name, (low, high) in sounds.FACTORS.items():
        assert low <= told[name].min() < told[name].max() <= high
    clear = (told["noise"] < -10) & (told["vibrato"] < 0.5)
    assert np.abs(read["pitch"] - told["pitch"])[clear].max() < 1
    assert np.corrcoef(read["attack"], told["attack"])[0, 1] > 0.9
    assert np.corrcoef(read["length"], told["decay"])[0, 1] < -0.8
    assert np.corrcoef(read["centroid"], told["brightness"])[0, 1] > 0.5
    within = np.corrcoef(np.stack(list(told.values())))
    assert np.abs(within - np.eye(len(told))).max() < 0.2
    assert not np.array_equal(sounds.sounds(n=9, seed=2).items, sounds.sounds(n=9, seed=1).items)
    with pytest.raises(LiminalError, match="n 0"):
        sounds.sounds(n=0)


def test_a_space_of_sounds_is_made_from_a_folder(tmp_path: Path) -> None:
    data = registry.dataset(kinds.sounds(tmp_path))
    assert (data.modality, len(data)) == (Audio(8000, 0.25), kinds.COUNT)
    assert set(data.attributes["label"].to_pylist()) == {"high", "low"}
