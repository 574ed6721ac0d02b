"""Broken and hostile PDFs of many kinds, made by bytes: what a folder of papers may hold, and some that attack."""

import gzip
import io
import random
import zipfile
import zlib
from collections.abc import Callable, Mapping

import pikepdf

Kind = Callable[[bytes], bytes]
PROSE = b"The network was trained on four thousand photographs of lynx in the snow of two winters."
LINES = b"BT /F 11 Tf 14 TL 50 760 Td " + b" ".join(b"(%b) Tj T*" % PROSE for _ in range(12)) + b" ET\n"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(content), entries, content)


def flate(content: bytes, entries: bytes = b"") -> bytes:
    return stream(zlib.compress(content, 9), b"/Filter /FlateDecode " + entries)


def written(objects: Mapping[int, bytes], *, trailer: bytes = b"", table: bool = True) -> bytes:
    """A PDF of these objects; 1 is its root."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = {}
    for number, content in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(out)
    if table:
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (max(objects) + 1)
        for number in range(1, max(objects) + 1):
            place = places.get(number)
            out += b"0000000000 65535 f \n" if place is None else b"%010d 00000 n \n" % place
    out += b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, trailer, start)
    return bytes(out)


def paper(
    contents: bytes = LINES,
    *,
    page: bytes = b"/MediaBox [0 0 595 842]",
    resources: bytes = b"",
    root: bytes = b"",
    pages: bytes = b"/Kids [3 0 R] /Count 1",
    more: Mapping[int, bytes] | None = None,
    trailer: bytes = b"",
) -> bytes:
    """A PDF of one page with a dozen lines, some part of which is as given."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R %b >>" % root,
        2: b"<< /Type /Pages %b >>" % pages,
        3: b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F 5 0 R >> %b >> %b >>"
        % (resources, page),
        4: stream(contents),
        5: FONT,
    }
    return written(objects | dict(more or {}), trailer=trailer)


def with_font(font: bytes, more: Mapping[int, bytes]) -> bytes:
    return paper(more={5: font, **more})


def with_image(entries: bytes, data: bytes) -> bytes:
    image = stream(data, b"/Type /XObject /Subtype /Image " + entries)
    return paper(LINES + b"q 300 0 0 200 50 50 cm /I Do Q", resources=b"/XObject << /I 6 0 R >>", more={6: image})


def form(content: bytes, resources: bytes) -> bytes:
    return stream(
        content,
        b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /Font << /F 5 0 R >> %b >>" % resources,
    )


def noise(size: int, seed: int = 20240229) -> bytes:
    return random.Random(seed).randbytes(size)


def fan() -> bytes:
    """Ten forms, each of which paints the next ten times: ten thousand million pictures in two kilobytes."""
    more = {6 + i: form(b"/X Do " * 10, b"/XObject << /X %d 0 R >>" % (7 + i)) for i in range(10)}
    return paper(LINES + b"/X Do", resources=b"/XObject << /X 6 0 R >>", more={**more, 16: form(LINES, b"")})


def nested_pages(depth: int) -> bytes:
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 5: FONT, 4: stream(LINES), 3: b"null"}
    objects[2] = b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>"
    for i in range(6, 6 + depth):
        objects[i] = b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (i - 1, i + 1)
    last = b"<< /Type /Page /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> >> /Parent "
    objects[6 + depth] = last + b"%d 0 R >>" % (5 + depth)
    return written(objects)


def many_pages(count: int) -> bytes:
    kids = b" ".join([b"3 0 R"] * count)
    return paper(pages=b"/Kids [%b] /Count %d" % (kids, count))


def encrypted(**how: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(paper())) as pdf:
        pdf.save(out, encryption=pikepdf.Encryption(**how))  # type: ignore[arg-type]
    return out.getvalue()


def zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("paper.pdf", content)
    return out.getvalue()


def annotated(entries: bytes, more: Mapping[int, bytes] | None = None) -> bytes:
    note = b"<< /Type /Annot /Subtype /Link /Rect [50 700 300 770] %b >>" % entries
    return paper(page=b"/MediaBox [0 0 595 842] /Annots [6 0 R 6 0 R]", more={6: note, **(more or {})})


def moved_xref(content: bytes, to: bytes) -> bytes:
    head, _, tail = content.rpartition(b"startxref")
    return head + b"startxref\n" + to + b"\n%%EOF\n" if tail else content


CUT: dict[str, Kind] = {
    "empty": lambda good: b"",
    "one byte": lambda good: b"%",
    "header alone": lambda good: b"%PDF-1.7\n",
    "header and end": lambda good: b"%PDF-1.7\n%%EOF\n",
    "a login page": lambda good: b"<html><body>Please log in to read this article.</body></html>",
    "an error as JSON": lambda good: b'{"error": "not found"}',
    "a picture": lambda good: b"\x89PNG\r\n\x1a\n" + noise(500),
    "gzip": gzip.compress,
    "zip": zipped,
    "first half": lambda good: good[: len(good) // 2],
    "first kilobyte": lambda good: good[:1000],
    "second half": lambda good: good[len(good) // 2 :],
    "end missing": lambda good: good[:-30],
    "first half with an end": lambda good: good[: len(good) // 2] + b"\n%%EOF\n",
    "middle missing": lambda good: good[: len(good) // 3] + good[len(good) // 2 :],
    "zeros in the middle": lambda good: good[:5000] + bytes(20_000) + good[25_000:],
    "all zeros": lambda good: bytes(len(good)),
    "header and noise": lambda good: b"%PDF-1.7\n" + noise(50_000) + b"\n%%EOF\n",
    "noise before": lambda good: noise(400) + good,
    "much noise before": lambda good: noise(5000) + good,
    "noise behind": lambda good: good + noise(200_000),
    "twice": lambda good: good + good,
    "sent as text": lambda good: good.replace(b"\n", b"\r\n"),
    "seven bits": lambda good: bytes(byte & 127 for byte in good),
    "taken for Latin-1": lambda good: good.decode("latin-1").encode(),
    "xref nowhere": lambda good: moved_xref(good, b"999999999"),
    "xref below zero": lambda good: moved_xref(good, b"-5"),
    "xref at a word": lambda good: moved_xref(good, b"here"),
    "no xref": lambda good: moved_xref(good, b"0"),
}
TREES: dict[str, Kind] = {
    "no root": lambda good: paper().replace(b"/Root 1 0 R", b"/Roof 1 0 R"),
    "root is nothing": lambda good: paper(more={1: b"null"}),
    "root is itself": lambda good: paper(more={1: b"1 0 R"}),
    "no pages": lambda good: paper(more={1: b"<< /Type /Catalog >>"}),
    "pages are nothing": lambda good: paper(more={2: b"null"}),
    "no kids": lambda good: paper(pages=b"/Kids [] /Count 0"),
    "kids missing": lambda good: paper(pages=b"/Kids [77 0 R 78 0 R] /Count 2"),
    "own kid": lambda good: paper(pages=b"/Kids [2 0 R] /Count 1"),
    "own kid and a page": lambda good: paper(pages=b"/Kids [2 0 R 3 0 R] /Count 2"),
    "a loop of three": lambda good: paper(
        pages=b"/Kids [6 0 R] /Count 5",
        more={
            6: b"<< /Type /Pages /Parent 2 0 R /Kids [7 0 R] /Count 5 >>",
            7: b"<< /Type /Pages /Parent 6 0 R /Kids [2 0 R] /Count 5 >>",
        },
    ),
    "a thousand million pages": lambda good: paper(pages=b"/Kids [3 0 R] /Count 1000000000"),
    "pages below zero": lambda good: paper(pages=b"/Kids [3 0 R] /Count -7"),
    "ten thousand pages": lambda good: many_pages(10_000),
    "deep tree": lambda good: nested_pages(3000),
    "parent missing": lambda good: paper(more={3: b"<< /Type /Page /Contents 4 0 R >>"}),
    "xref that goes on to itself": lambda good: paper(trailer=b"/Prev 9"),
    "size of nothing": lambda good: paper().replace(b"/Size 6", b"/Size 0"),
    "no table at all": lambda good: written({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< >>"}, table=False),
    "length that is itself": lambda good: paper(more={4: b"<< /Length 4 0 R >>\nstream\n" + LINES + b"\nendstream"}),
    "length far too long": lambda good: paper().replace(b"/Length %d" % len(LINES), b"/Length 999999999"),
    "outline that loops": lambda good: paper(
        root=b"/Outlines 6 0 R",
        more={6: b"<< /First 7 0 R /Last 7 0 R /Count 1 >>", 7: b"<< /Title (x) /Parent 6 0 R /Next 7 0 R >>"},
    ),
}
PAGES: dict[str, Kind] = {
    "no contents": lambda good: paper(b""),
    "contents missing": lambda good: paper().replace(b"/Contents 4 0 R", b"/Contents 99 0 R"),
    "contents that hold themselves": lambda good: paper(more={4: b"[4 0 R 4 0 R]"}),
    "contents are a word": lambda good: paper(more={4: b"(nothing)"}),
    "no media box": lambda good: paper(page=b""),
    "media box of nothing": lambda good: paper(page=b"/MediaBox [0 0 0 0]"),
    "media box upside down": lambda good: paper(page=b"/MediaBox [595 842 0 0]"),
    "media box of words": lambda good: paper(page=b"/MediaBox [(a) (b) (c) (d)]"),
    "media box too short": lambda good: paper(page=b"/MediaBox [0 0 595]"),
    "media box of a continent": lambda good: paper(page=b"/MediaBox [0 0 1000000000 1000000000]"),
    "media box beyond numbers": lambda good: paper(page=b"/MediaBox [-1e38 -1e38 1e38 1e38]"),
    "crop box elsewhere": lambda good: paper(page=b"/MediaBox [0 0 595 842] /CropBox [5000 5000 6000 6000]"),
    "turned by 45": lambda good: paper(page=b"/MediaBox [0 0 595 842] /Rotate 45"),
    "turned by a lot": lambda good: paper(page=b"/MediaBox [0 0 595 842] /Rotate 99999999990"),
    "huge unit": lambda good: paper(page=b"/MediaBox [0 0 595 842] /UserUnit 1000000"),
    "white words on a continent": lambda good: paper(
        LINES.replace(b"BT", b"1 g BT"), page=b"/MediaBox [0 0 90000000 90000000]"
    ),
    "letters of a mile": lambda good: paper(LINES.replace(b"/F 11 Tf", b"/F 90000 Tf")),
    "letters beyond numbers": lambda good: paper(b"1e38 0 0 1e38 0 0 cm " + LINES),
    "half a million letters": lambda good: paper(LINES * 450),
    "unknown operators": lambda good: paper(b"Xx Yy << /A >> ] ) " * 500 + LINES),
    "a hundred thousand states": lambda good: paper(b"q " * 100_000 + LINES),
    "deep arrays": lambda good: paper(b"[" * 100_000 + LINES),
    "deep dictionaries": lambda good: paper(more={6: b"<< /A " * 20_000}),
}
BOMBS: dict[str, Kind] = {
    "half a gigabyte of spaces": lambda good: paper(
        more={4: stream(zlib.compress(b" " * (1 << 29), 1), b"/Filter /FlateDecode")}
    ),
    "a bomb in a bomb": lambda good: paper(
        more={4: stream(zlib.compress(zlib.compress(b"\n" * (1 << 27), 1), 1), b"/Filter [/FlateDecode /FlateDecode]")}
    ),
    "form that paints itself": lambda good: paper(
        LINES + b"/X Do",
        resources=b"/XObject << /X 6 0 R >>",
        more={6: form(LINES + b"/X Do", b"/XObject << /X 6 0 R >>")},
    ),
    "forms that paint each other": lambda good: paper(
        LINES + b"/X Do",
        resources=b"/XObject << /X 6 0 R >>",
        more={6: form(b"/Y Do /Y Do", b"/XObject << /Y 7 0 R >>"), 7: form(b"/X Do /X Do", b"/XObject << /X 6 0 R >>")},
    ),
    "a fan of forms": lambda good: fan(),
    "pattern of itself": lambda good: paper(
        b"/Pattern cs /P scn 0 0 500 500 re f " + LINES,
        resources=b"/Pattern << /P 6 0 R >>",
        more={
            6: stream(
                b"/Pattern cs /P scn 0 0 9 9 re f",
                b"/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 1 /YStep 1 "
                b"/Resources << /Pattern << /P 6 0 R >> >>",
            )
        },
    ),
    "mask of itself": lambda good: paper(
        b"/G gs " + LINES,
        resources=b"/ExtGState << /G << /SMask << /S /Luminosity /G 6 0 R >> >> >>",
        more={6: form(b"/G gs " + LINES, b"/ExtGState << /G << /SMask << /S /Luminosity /G 6 0 R >> >> >>")},
    ),
    "image of a million by a million": lambda good: with_image(
        b"/Width 1000000 /Height 1000000 /ColorSpace /DeviceRGB /BitsPerComponent 8", b"abc"
    ),
    "white words over a huge image": lambda good: paper(
        b"q 500 0 0 700 50 50 cm /I Do Q 1 g " + LINES,
        resources=b"/XObject << /I 6 0 R >>",
        more={
            6: flate(
                bytes(12_000 * 12_000),
                b"/Type /XObject /Subtype /Image /Width 12000 /Height 12000 /ColorSpace /DeviceGray "
                b"/BitsPerComponent 8",
            )
        },
    ),
    "broken JPEG": lambda good: with_image(
        b"/Width 90 /Height 90 /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", noise(3000)
    ),
    "broken JPEG 2000": lambda good: with_image(b"/Width 90 /Height 90 /Filter /JPXDecode", noise(3000)),
    "broken JBIG2": lambda good: with_image(
        b"/Width 9000 /Height 9000 /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /JBIG2Decode", noise(3000)
    ),
    "broken fax": lambda good: with_image(
        b"/Width 9000 /Height 9000 /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /CCITTFaxDecode "
        b"/DecodeParms << /K -1 /Columns 9000 /Rows 9000 >>",
        noise(3000),
    ),
    "broken LZW": lambda good: paper(more={4: stream(noise(3000), b"/Filter /LZWDecode")}),
    "unknown filter": lambda good: paper(more={4: stream(LINES, b"/Filter /BrotliDecode")}),
    "broken Flate": lambda good: paper(more={4: stream(noise(3000), b"/Filter /FlateDecode")}),
}
FONTS: dict[str, Kind] = {
    "no font": lambda good: paper(more={5: b"null"}),
    "font of itself": lambda good: with_font(b"<< /Type /Font /Subtype /Type0 /DescendantFonts [5 0 R] >>", {}),
    "broken Type 1 program": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Bad /FontDescriptor 6 0 R >>",
        {
            6: b"<< /Type /FontDescriptor /FontName /Bad /Flags 4 /FontFile 7 0 R >>",
            7: stream(noise(2000), b"/Length1 500 /Length2 999999 /Length3 0"),
        },
    ),
    "broken TrueType program": lambda good: with_font(
        b"<< /Type /Font /Subtype /TrueType /BaseFont /Bad /FontDescriptor 6 0 R >>",
        {
            6: b"<< /Type /FontDescriptor /FontName /Bad /Flags 4 /FontFile2 7 0 R >>",
            7: stream(b"\0\1\0\0\xff\xff" + noise(5000)),
        },
    ),
    "broken CFF program": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Bad /FontDescriptor 6 0 R >>",
        {
            6: b"<< /Type /FontDescriptor /FontName /Bad /Flags 4 /FontFile3 7 0 R >>",
            7: stream(b"\1\0\4\4" + noise(3000), b"/Subtype /Type1C"),
        },
    ),
    "map that uses itself": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        {6: stream(b"1 beginbfrange <00> <ff> <0041> endbfrange", b"/Type /CMap /UseCMap 6 0 R")},
    ),
    "map of a hundred thousand ranges": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        {6: flate(b"100 beginbfrange\n" + b"<0000> <ffff> <0041>\n" * 100_000 + b"endbfrange")},
    ),
    "map to halves of letters": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>",
        {6: stream(b"1 beginbfrange\n<00> <ff> <d800>\nendbfrange")},
    ),
    "letters that draw themselves": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] /FirstChar 97 /LastChar 97 "
        b"/Widths [9] /Encoding << /Differences [97 /a] >> /CharProcs << /a 6 0 R >> /Resources << /Font << /F 5 0 R "
        b">> >> >>",
        {6: stream(b"9 0 d0 BT /F 1 Tf (aaaa) Tj ET")},
    ),
    "a million widths": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 0 /LastChar 999999 /Widths [%b] >>"
        % (b"500 " * 1_000_000),
        {},
    ),
    "widths below zero": lambda good: with_font(
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /FirstChar 0 /LastChar 255 /Widths [%b] >>"
        % (b"-9000 " * 256),
        {},
    ),
}
TRAPS: dict[str, Kind] = {
    "password": lambda good: encrypted(owner="o", user="u"),
    "password, old way": lambda good: encrypted(owner="o", user="u", R=3, aes=False, metadata=False),
    "owner's password": lambda good: encrypted(owner="o", user=""),
    "unknown lock": lambda good: paper(trailer=b"/Encrypt << /Filter /Acme /V 9 >>"),
    "broken lock": lambda good: paper(trailer=b"/Encrypt << /Filter /Standard /V 5 /R 6 /O (x) /U (y) >> /ID [(a)(b)]"),
    "script on opening": lambda good: paper(root=b"/OpenAction << /S /JavaScript /JS (app.launchURL('http://x')) >>"),
    "script in a name tree that loops": lambda good: paper(
        root=b"/Names << /JavaScript 6 0 R >>", more={6: b"<< /Kids [6 0 R] >>"}
    ),
    "program on opening": lambda good: paper(root=b"/OpenAction << /S /Launch /F (/bin/sh) >>"),
    "attachment": lambda good: paper(
        root=b"/Names << /EmbeddedFiles << /Names [(virus.exe) << /Type /Filespec /F (virus.exe) "
        b"/EF << /F 6 0 R >> >>] >> >>",
        more={6: stream(b"MZ" + noise(500), b"/Type /EmbeddedFile")},
    ),
    "link to a program": lambda good: annotated(b"/A << /S /Launch /F (/bin/sh) >>"),
    "link to another machine": lambda good: annotated(
        b"/A << /S /GoToR /F (\\\\\\\\host\\\\share\\\\x) /D [0 /Fit] >>"
    ),
    "link to a file": lambda good: annotated(b"/A << /S /URI /URI (file:///etc/passwd) >>"),
    "link of a megabyte": lambda good: annotated(
        b"/A << /S /URI /URI (https://example.org/%b) >>" % (b"a" * 1_000_000)
    ),
    "link with control characters": lambda good: annotated(b"/A << /S /URI /URI (https://x\\033[31m\\000\\012y) >>"),
    "link that goes on to itself": lambda good: annotated(b"/A 7 0 R", {7: b"<< /S /URI /URI (x) /Next 7 0 R >>"}),
    "links without a place": lambda good: annotated(b"/Rect [9 9] /A << /S /URI /URI (x) >>"),
    "form that is another format": lambda good: paper(
        root=b"/AcroForm << /XFA 6 0 R /Fields [] >>", more={6: stream(b"<xdp>" * 5000)}
    ),
    "title with control characters": lambda good: paper(
        trailer=b"/Info << /Title (a\\000b\\033[2Jc\\012) /Subject (10.5555/\\000x) /CreationDate (D:9999) >>"
    ),
    "information that is itself": lambda good: paper(more={6: b"6 0 R"}, trailer=b"/Info 6 0 R"),
}
HEAVY = {
    *("half a gigabyte of spaces", "a bomb in a bomb", "forms that paint each other", "a fan of forms"),
    *("a million widths", "white words over a huge image", "half a million letters"),
}
"""What takes seconds, or a worker with it."""

STILL_READ = {
    *("noise before", "twice", "xref nowhere", "xref below zero", "xref at a word", "no xref"),
    *("a thousand million pages", "pages below zero", "xref that goes on to itself", "length that is itself"),
    *("length far too long", "outline that loops", "no media box", "turned by 45", "unknown operators"),
    *("a hundred thousand states", "half a million letters", "form that paints itself"),
    *("pattern of itself", "image of a million by a million", "broken JPEG", "broken JBIG2", "broken fax"),
    *("broken TrueType program", "a million widths", "owner's password"),
    *(set(TRAPS) - {"password", "password, old way", "unknown lock", "broken lock"}),
}
"""What a person can read in spite of all."""

KINDS: dict[str, Kind] = {**CUT, **TREES, **PAGES, **BOMBS, **FONTS, **TRAPS}
