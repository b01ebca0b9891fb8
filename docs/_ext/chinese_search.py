"""The search finds Chinese words, which have no spaces between them, beside English ones.

Chinese text is cut into its characters and its pairs of neighbours, and so is what a reader looks
for: a page is found that has all pairs. It needs no dictionary, and no word can be missing in it.
"""

from __future__ import annotations

import re

from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

_CHINESE = re.compile(r"[\u3400-\u9fff]+")
_WORD = re.compile(r"[\u3400-\u9fff]+|[^\W\u3400-\u9fff]+")


class SearchEnglishAndChinese(SearchEnglish):
    """Words of English by their stems, Chinese by its pairs of characters."""

    lang = "en-zh"  # and the name stays, since the script of the stemmer is called by it
    js_splitter_code = r"""
function splitQuery(query) {
  const apart = query.replace(/[\u3400-\u9fff]+/g, " $& ");
  const words = apart.split(/[^\p{Letter}\p{Number}_]+/u).filter((word) => word);
  return words.flatMap((word) => {
    if (word.length < 2 || !/[\u3400-\u9fff]/.test(word)) return [word];
    return Array.from({ length: word.length - 1 }, (_, place) => word.slice(place, place + 2));
  });
}
"""

    def split(self, input: str) -> list[str]:
        """Return the words of a text.

        >>> SearchEnglishAndChinese({}).split("NumPy 的梯度")
        ['NumPy', '的', '梯', '度', '的梯', '梯度']
        """
        found = []
        for word in _WORD.findall(input):
            if _CHINESE.match(word):
                found += [*word, *(word[place : place + 2] for place in range(len(word) - 1))]
            else:
                found.append(word)
        return found


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the language of the search."""
    app.add_search_language(SearchEnglishAndChinese)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
