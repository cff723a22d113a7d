"""The part of pooch that fiberscope calls; pooch ships no types of its own."""

from typing import BinaryIO

class HTTPDownloader:
    def __init__(self, *, timeout: float) -> None: ...
    def __call__(self, url: str, output_file: BinaryIO, pooch: None) -> None: ...
