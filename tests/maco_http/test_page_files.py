from __future__ import annotations

import re

import pytest

from maco_http.page_files import page_files

PACKAGES = ["maco_lab.page", "connector_sim.admin.pages", "maco_client.api.pages"]


def test_every_page_has_the_shared_files_and_its_own() -> None:
    found = {each.name: each for each in page_files("maco_lab.page")}

    assert {"dom.js", "base.css", "index.html", "page.css"} <= set(found)
    assert found["dom.js"].content_type == "text/javascript; charset=utf-8"
    assert b"export function html" in found["dom.js"].content


@pytest.mark.parametrize("package", PACKAGES)
def test_no_name_is_there_twice_and_every_import_is_there(package: str) -> None:
    files = page_files(package)
    names = [each.name for each in files]
    imported = {name for each in files for name in re.findall(r'from "\./([\w.]+)"', each.content.decode())}

    assert len(names) == len(set(names))
    assert "dom.js" in imported
    assert imported <= set(names)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_page_makes_markup_from_text_or_names_another_place(package: str) -> None:
    for each in page_files(package):
        bare = re.sub(r"^\s*//.*$|(?<=[;,{]) //.*$", "", each.content.decode(), flags=re.MULTILINE)
        assert "//" not in bare.replace("http://www.w3.org/2000/svg", "").replace("account:///", ""), each.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", bare), each.name


@pytest.mark.parametrize("package", PACKAGES)
def test_the_markup_has_no_script_or_style_inside_it_and_says_whose_product_it_is_not(package: str) -> None:
    (markup,) = (each.content.decode() for each in page_files(package) if each.name == "index.html")

    assert "<script" in markup
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", markup)
    assert re.search(r"not\s+SAP's|not\s+a\s+product\s+of\s+SAP", markup)
