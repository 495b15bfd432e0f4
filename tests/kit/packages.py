#!/usr/bin/env python3
"""Prints the packages that `cargo auditable` put into a program, a line each: name and version. Fails if there are none.

    packages.py PROGRAM

They are JSON, compressed by zlib, in the section .dep-v0 of an ELF file of 64 bits: https://github.com/rust-secure-code/cargo-auditable
"""

import json
import struct
import sys
import zlib


def sections(program):
    """Yields the name and the bytes of each section."""
    assert program[:6] == b"\x7fELF\x02\x01", "not an ELF file of 64 bits, lowest byte first"
    (table,) = struct.unpack_from("<Q", program, 0x28)
    size, count, of_names = struct.unpack_from("<HHH", program, 0x3A)

    def header(number):
        name, _, _, _, offset, length = struct.unpack_from("<IIQQQQ", program, table + number * size)
        return name, program[offset : offset + length]

    names = header(of_names)[1]
    for number in range(count):
        name, content = header(number)
        yield names[name : names.index(b"\0", name)], content


found = dict(sections(open(sys.argv[1], "rb").read())).get(b".dep-v0")
if found is None:
    sys.exit("the program has no section .dep-v0")
for package in json.loads(zlib.decompress(found))["packages"]:
    print(package["name"], package["version"])
