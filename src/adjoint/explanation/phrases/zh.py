"""推导与计算图的中文用语。"""

from __future__ import annotations

PHRASES = {
    # A derivation's parts.
    "title": "{what} 的推导",
    "parameters": "{count} 个参数",
    "given": "已知",
    "forward": "前向传播",
    "backward": "反向传播",
    "one entry": "追踪一个元素",
    "engine": "自动微分引擎给出的梯度",
    "verdict": "全部 {count} 个等式成立：生成本文时，每一个都按写出的式子重新计算并核对过。",
    "shape": "形状 {shape}",
    "labelled": "{label}：{what}",
    "equation": "式 ({number})",
    "array": (
        "{dtype} {shape}：范数 {norm}，最小 {low}，最大 {high}，左上角 {corner}，"
        "全部元素的校验和 {checksum}"
    ),
    # Why a line holds.
    "definition": "定义",
    "chain rule": "对 {operation} 应用链式法则",
    "sum over broadcast": "{operation} 的反向传播：沿广播的轴求和",
    "independent": "函数值不依赖于它",
    "itself": "就是这个值本身",
    "equation 2": "激活函数",
    "equation 3": "仿射变换",
    "equation 5": "激活函数，反向传播",
    "equation 7": "仿射变换，反向传播",
    "equation 9": "仿射变换，反向传播",
    "equation 13": "仿射变换，反向传播",
    "equation 14": "softmax 与交叉熵，反向传播",
    # The paths of an entry.
    "no paths": "从 {entry} 到函数值没有路径",
    "one path": "从 {entry} 到函数值有 1 条路径",
    "paths": "从 {entry} 到函数值有 {count} 条路径",
    "grouped paths": ("从 {entry} 到函数值有 {count} 条路径，按它们经过的第一个值分为 {groups} 组"),
    "uncounted paths": (
        "从 {entry} 到函数值的路径多得没有数完，按它们经过的第一个值分为 {groups} 组"
    ),
    "matrix view": "矩阵形式",
    "scalar view": "标量形式",
    "more terms": "其余 {count} 项",
    "more paths": "其余 {count} 条路径合计 {sum}",
    "more groups": "其余 {count} 组合计 {sum}",
    "all paths": "合计",
    # The page.
    "value": "函数值",
    "differentiated by": "求导变量",
    "given besides": "其他已知量",
    "steps": "步骤",
    "counted steps": "前向 {forward} 步，反向 {backward} 步",
    "graph": "计算图",
    "graph note": (
        "点击方框，跳到计算它的那一步；点击方框中的梯度 ∇，跳到推出该梯度的那一步。"
        "每一步也可以跳回计算图。名为 u1、u2 … 的值写在某个公式之内，没有单独的步骤。"
    ),
    "no graph": "计算图有 {count} 个方框，画出来难以看清，故从略。",
    "in the graph": "在计算图中查看",
    "equations": "引用的公式",
    "equations note": "公式编号与 adjoint 文档《反向传播的推导》一致。",
    "about 2": "激活函数 σ 对每个元素单独作用。",
    "about 3": "一层网络先乘以权重，再给每一行加上偏置。",
    "about 5": (
        "z' 的每个元素只依赖 a 的一个元素，链式法则的求和因此只剩一项："
        "梯度逐元素乘以激活函数的导数。"
    ),
    "about 7": "每个权重都与所有样本的同一个特征相乘；矩阵乘法恰好把各个样本的贡献加在一起。",
    "about 9": "偏置加到每一行上，所以它的梯度是对各行求和。",
    "about 13": (
        "一个特征经由各个权重进入本行的每一个输出；乘以权重的转置，就把这些贡献加在一起。"
    ),
    "about 14": (
        "损失是 B 个样本的 softmax 交叉熵的平均值。对数、商与指数的导数相互抵消，"
        "只剩下概率与标签之差。"
    ),
    # The picture.
    "numbered constant": "常量 {number}",
    "folded module": "{kind}，{parameters}",
    "module tip": "{kind}：{operations} 个运算，{parameters}",
    "parameters' norm": "参数梯度的范数 {norm}",
    "parameters' gradient": "∇ 参数 ‖·‖ {norm}",
    "turns": "{name}：{count} 轮",
    "more rounds": "另外 {count} 轮",
    "operations": "{count} 个运算",
    "tip value": "值",
    "tip gradient": "梯度",
    "adds to": "对 {name} 的梯度 ∇ 的贡献：{array}",
    "input": "输入",
    "parameter": "参数",
    "fixed": "不参与训练",
    "constant": "常量",
    "operation": "运算",
    "module": "折叠",
    "picture value": "值",
    "picture gradient": "梯度 ∇",
    "norm": "范数",
    "zero": "零",
    "not needed": "不需要",
}
