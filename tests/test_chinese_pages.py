"""The Chinese pages are set as Chinese is, and have one word for one thing."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent
PAGES = [REPOSITORY / "README.zh.md", *sorted((REPOSITORY / "docs/zh").rglob("*.md"))]
HAN = "[\u4e00-\u9fff]"
NOT_PROSE = (
    r"^---\n.*?^---$",  # front matter
    r"^(`{3,}).*?^\1$",  # code, mathematics, lists of pages
    r"\]\([^)]*\)",  # where a link leads
    r"!(?=\[)",  # of a picture
    r"[*_\[\]]",  # marks, which nobody reads
)
NUMBER_OF_AN_EQUATION = r"\(\d+\w?'?\)"
# What stands for each of these on all pages, since a reader takes two words for two things.
ONE_WORD = {
    "机器码": ("本机代码", "原生代码", "本地代码"),
    "黑塞矩阵": ("海森矩阵", "海塞矩阵", "Hessian 矩阵"),
    "雅可比矩阵": ("雅克比", "Jacobian 矩阵"),
    "早停": ("提前停止", "提早停止"),
    "过拟合": ("过度拟合",),
    "反向传播": ("反向传递", "后向传播", "逆向传播"),
    "小批量": ("迷你批", "个批量", "批次"),
    "梯度消失": ("消失的梯度", "消失梯度"),
    "决策边界": ("决策界", "分界线"),
    "源代码": ("源码",),
    "笔记本": (" notebook ", "记事本"),
    "月牙": ("半月形", "月亮"),
}


def prose(path):
    """Return a page's lines with nothing but what is read as sentences."""
    text = path.read_text(encoding="utf-8")
    for pattern in NOT_PROSE:
        text = re.sub(pattern, "", text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(NUMBER_OF_AN_EQUATION, "1", text).splitlines()


def found(pattern, path):
    return [line for line in prose(path) if re.search(pattern, line)]


def test_there_are_chinese_pages():
    assert len(PAGES) >= 5
    assert all(found(HAN, path) for path in PAGES)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_a_space_stands_between_chinese_and_other_letters(path):
    assert not found(rf"{HAN}[A-Za-z0-9`$]|[A-Za-z0-9`$%]{HAN}", path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_punctuation_beside_chinese_is_of_full_width(path):
    assert not found(rf"{HAN}[,.;:!?()]|[,;:!?(]{HAN}", path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_no_space_parts_one_chinese_character_from_the_next(path):
    assert not found(rf"{HAN} +{HAN}| [，。；：？！、）]|[（、] ", path)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def test_one_thing_has_one_name_on_all_pages(path):
    text = path.read_text(encoding="utf-8")
    others = {other for names in ONE_WORD.values() for other in names if other in text}
    assert not others
