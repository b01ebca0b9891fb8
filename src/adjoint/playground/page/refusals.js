/** What the session refuses or notes is an English sentence; here are those that a reader meets, in Chinese. */

import { language, say } from "./words.js";

/** The form of each sentence, and its translation; {1} is the first part that varies, {say 1} the page's own word for it. @type {[RegExp, string][]} */
const FORMS = [
  [/^(\w+): expected a number from (\S+) to (\S+), got nothing$/, "{say 1}：应为 {2} 到 {3} 之间的数，不能为空"],
  [/^(\w+): expected a number from (\S+) to (\S+), got (.+)$/, "{say 1}：应为 {2} 到 {3} 之间的数，实际为 {4}"],
  [/^(\w+): expected a whole number, got (.+)$/, "{say 1}：应为整数，实际为 {2}"],
  [/^(\w+): this page has only (.+)$/, "{say 1}：本页只有 {2}"],
  [/^options: on this page (\w+) has no (.+)$/, "设置：本页的 {1} 没有 {2}"],
  [/^layers: this page has neither norm nor dropout$/, "网络层：本页没有归一化和随机失活"],
  [/^data: there is no (.+) on this page$/, "数据：本页没有 {1}"],
  [/^features: expected one at least, and each once$/, "输入特征：至少选择一个，且不能重复"],
  [/^data: there is no table; paste one, or load a file$/, "数据：没有表格；请粘贴或载入文件"],
  [/^loss: (\w+) is for classes, and (.+) is a number$/, "损失函数：{1} 用于分类，而 {2} 是数字"],
  [/^loss: (\w+) is for counts, and (.+) is below 0$/, "损失函数：{1} 用于计数，而 {2} 有小于 0 的值"],
  [/^loss: (\w+) is for numbers, and (.+) is a class$/, "损失函数：{1} 用于预测数字，而 {2} 是类别"],
  [/^loss: (\w+) needs two classes, not (\d+)$/, "损失函数：{1} 需要两个类别，而不是 {2} 个"],
  [/^mistake: it is one in cross_entropy, not in (\w+)$/, "错误：它只存在于 cross_entropy 中，而不在 {1} 中"],
  [/^lr: the groups of the optimiser have different learning rates$/, "学习率：优化器各组参数的学习率不同"],
  [/^(\w+): it cannot be changed while it trains$/, "{say 1}：训练途中不能更改"],
  [/^formula: at place (\d+), '(.*)' is not understood; expected x, y, numbers, \+ - \* \/ \*\* and (.+)$/, "公式：第 {1} 个字符处的“{2}”无法理解；可用 x、y、数字、+ - * / ** 以及 {3}"],
  [/^formula: at place (\d+), "(.*)" is not understood; expected x, y, numbers, \+ - \* \/ \*\* and (.+)$/, "公式：第 {1} 个字符处的“{2}”无法理解；可用 x、y、数字、+ - * / ** 以及 {3}"],
  [/^formula: expected a text, as (.+)$/, "公式：应为式子，例如 {1}"],
  [/^formula: expected x or y in it$/, "公式：其中应有 x 或 y"],
  [/^formula: ([\d,]+) characters; there may be (\d+)$/, "公式：共 {1} 个字符，最多 {2} 个"],
  [/^formula: it is more than (\d+) parts deep$/, "公式：嵌套超过 {1} 层"],
  [/^formula: all points are on one side of it$/, "公式：所有的点都在同一侧"],
  [/^formula: it is no usual number at x = (\S+), y = (\S+)$/, "公式：在 x = {1}、y = {2} 处不是通常的数"],
  [/^data: there are no drawn points; draw some$/, "数据：没有手绘的点；请先绘制"],
  [/^session: ([\d,]+) characters; there may be ([\d,]+)$/, "会话：文件共 {1} 个字符，最多 {2} 个"],
  [/^session: the file is no JSON$/, "会话：文件不是 JSON"],
  [/^session: the file is no saved session of the playground$/, "会话：文件不是保存的会话"],
  [/^session: the file is of another version of the playground$/, "会话：文件来自其他版本"],
  [/^session: expected (.+) in the file$/, "会话：文件中应有 {1}"],
  [/^session: the model that you gave to play has its own rows$/, "会话：传给 play 的模型使用自己的数据"],
  [/^the message is too long$/, "消息过长"],
  [/^(\w+): expected (a list of (\d+) at most)$/, "{1}：应为最多 {3} 项的列表（{2}）"],
  [/^changes: (expected .+)$/, "更改：无法读取（{1}）"],
  [/^drawn: (expected .+)$/, "手绘的点：无法读取（{1}）"],
  [/^sight: (expected .+)$/, "视野：无法读取（{1}）"],
  [/^table: (expected names, labels, X and y|expected two rows at least.*|expected 2 to \d+ columns, and .*|\d+ rows, and \d+ targets)$/, "表格：无法读取（{1}）"],
  [/^(\w+): expected texts$/, "{1}：应为文字"],
  [/^settings: (.+)$/, "设置：无法读取（{1}）"],
  [/^unknown (\w+) (.+); choose one of (.+)$/, "{1}：没有 {2}；可选 {3}"],
  [/^norm: batch normalisation needs two rows in every batch; (\d+) rows in batches of (\d+) leave one alone$/, "归一化：批归一化要求每个批次至少有两个样本；{1} 个样本按每批 {2} 个划分会剩下一个"],
  [/^table: ([\d,]+) characters; at most ([\d,]+) can be pasted$/, "表格：共 {1} 个字符，最多可粘贴 {2} 个"],
  [/^table: it is no CSV: (.+)$/, "表格：不是有效的 CSV（{1}）"],
  [/^table: expected a line of names, and rows below it$/, "表格：首行应为列名，其下应有数据"],
  [/^table: line (\d+) has (\d+) cells, and the first has (\d+)$/, "表格：第 {1} 行有 {2} 个单元格，而首行有 {3} 个"],
  [/^table: expected 2 to (\d+) columns, got (\d+)$/, "表格：应有 2 到 {1} 列，实际有 {2} 列"],
  [/^table: ([\d,]+) rows; the playground takes ([\d,]+)$/, "表格：共 {1} 行，最多 {2} 行"],
  [/^table: expected at least one column of numbers beside the target$/, "表格：除目标列外，至少应有一列数字"],
  [/^table: with its words it has more than (\d+) columns$/, "表格：文字展开后超过 {1} 列"],
  [/^table: fewer than two rows have all their cells$/, "表格：没有缺失值的行不足两行"],
  [/^table: its numbers are too large, above (\S+)$/, "表格：数字过大，超过 {1}"],
  [/^target: there is no column (.+); there are (.+)$/, "目标列：没有名为 {1} 的列；现有 {2}"],
  [/^target: (.+) is (.+) in all rows$/, "目标列：{1} 在所有行中都是 {2}"],
  [/^target: (.+) has (\d+) different texts, as (.+); the playground predicts numbers, or tells (\d+) classes apart$/, "目标列：{1} 有 {2} 种不同的文字，例如 {3}；这里只能预测数字，或区分最多 {4} 个类别"],
  [/^target: the numbers of (.+) are too large, above (\S+)$/, "目标列：{1} 的数字过大，超过 {2}"],
  [/^(.+): its (\d+) words are columns of 0 and 1$/, "{1}：其中 {2} 种文字各成为一列 0 和 1"],
  [/^(.+): not numbers, left out$/, "{1}：不是数字，已略去"],
  [/^(\d+) rows? with missing cells, left out$/, "{1} 行有缺失值，已略去"],
  [/^more than (\d+) pages are open$/, "打开的页面超过 {1} 个"],
  [/^nothing was asked for an hour$/, "一小时内没有任何请求"],
];

/** Return a sentence of the session in the language of the page; one that is not listed stays English. @param {string} text */
export function told(text) {
  if (language() !== "zh") return text;
  for (const [form, translation] of FORMS) {
    const found = form.exec(text);
    if (found) return translation.replace(/\{(say )?(\d)\}/g, (_, named, place) => (named ? say(found[Number(place)]) : found[Number(place)]));
  }
  return text;
}
