/** The words of the page, in English and Chinese; each has a text, and many have a hover text. */

import { remember, remembered } from "./memory.js";
import { OPTIONS, TERMS } from "./terms.js";

/** @type {{[key: string]: [string, string, string?, string?]}} English, Chinese, and hover texts. */
const WORDS = {
  ...OPTIONS,
  play: ["Play", "播放", "Train without a stop (space).", "连续训练（空格键）。"],
  pause: ["Pause", "暂停", "Stop after the present step (space).", "在当前这一步之后停下（空格键）。"],
  step: ["Step", "单步", "One operation, one batch or one epoch onward (→).", "前进一个运算、一个批次或一轮（→）。"],
  back: ["Back", "后退", "Back to where the training stood before, to the bit (←).", "回到之前的状态，每一位都相同（←）。"],
  reset: ["Reset", "重置", "Back to the first weights (R).", "回到初始权重（R）。"],
  operation: ["operation", "运算", "One line of the backward pass. It is only shown; no weight changes.", "反向传播中的一行。只是展示，不改变任何权重。"],
  batch: ["batch", "批次", "One step of the optimiser on one batch.", "优化器在一个批次上走一步。"],
  epoch: ["epoch", "轮", "Every training row once.", "每个训练样本各用一次。"],
  speed: ["Speed", "速度", "Steps for each picture. Speed changes no bit of the training.", "每帧的步数。速度不会改变训练结果的任何一位。"],
  fastest: ["fastest", "最快"],
  past: ["Step", "步数", "Drag to go back to any step.", "拖动可回到任意一步。"],
  network: ["Network", "网络", "The network as units and links; each square shows what a unit gives over the plane.", "单元与连线构成的网络；每个方块显示单元在平面上的输出。"], graph: ["Graph", "计算图", "Every operation of the two passes as a box, with its value and gradient.", "两次传播的每个运算都是一个方框，带有数值和梯度。"], source: ["NumPy", "NumPy 源码", "Both passes as NumPy, with the present line lit.", "两次传播的 NumPy 源码，当前行高亮。"],
  data: ["Data", "数据", "What the network learns from.", "网络学习所用的数据。"], training: ["Training", "训练", "How it learns. A change begins a new training from the seed, if not said otherwise.", "怎样学习。除非另有说明，改动会从种子重新开始训练。"], output: ["Output", "输出", "What the network says over the plane: the colour of a class, stronger where it is surer.", "网络在平面上的判断：类别的颜色，越有把握越深。"],
  selected: ["Selected", "所选", "The weight or bias that was chosen: its numbers, why its gradient is what it is, and how it moves.", "所选的权重或偏置：它的数值、梯度的来由以及如何移动。"], passes: ["Back-propagation", "反向传播", "The gradient of the next batch, line by line: first forward to the loss, then backward from it.", "下一批次的梯度，一行一行：先前向到损失，再从损失反向。"], flowing: ["Gradient flow", "梯度流动", "How large the gradient is in each layer, and how far its weights move.", "每层梯度有多大，权重移动多远。"],
  set: ["Set", "数据集", "The points to learn.", "要学习的点。"], rows: ["Rows", "样本数", "How many points there are.", "点的个数。"],
  noise: ["Noise", "噪声", "How far points are moved by chance.", "点被随机移动的幅度。"],
  classes: ["Classes", "类别数", "How many classes there are.", "类别的个数。"],
  test: ["Test share", "测试比例", "The share of rows that is never trained on.", "不参与训练的样本比例。"],
  seed: ["Seed", "随机种子", "Determines data, first weights and the order of rows.", "决定数据、初始权重和样本顺序。"],
  batch_size: ["Batch size", "批次大小", "Rows in one step.", "每一步使用的样本数。"],
  features: ["Inputs", "输入特征", "What the network reads of each point.", "网络从每个点读取的量。"],
  set_own: ["own table", "自己的表格"], set_drawn: ["drawn points", "手绘的点"], set_formula: ["a formula", "公式"],
  formula: ["Formula", "公式", "A comparison, as y > sin(x), tells two classes apart; anything else, as x*y, is a number to be predicted.", "比较式（如 y > sin(x)）划分两个类别；其他式子（如 x*y）是要预测的数。"],
  formula_parts: ["x, y, numbers, pi, + - * / ** and {0}", "可用 x、y、数字、pi、+ - * / ** 以及 {0}"],
  draw: ["Draw", "手绘", "Set points on the output by hand, beginning with those that are there.", "在输出图上手动放置点，从现有的点开始。"],
  draw_kind: ["What is drawn", "所绘内容"], draw_classes: ["classes", "类别"], draw_number: ["numbers", "数值"], draw_class: ["class", "类别"],
  draw_erase: ["Erase", "擦除"], draw_undo: ["Undo", "撤销"], draw_clear: ["Clear", "清空"],
  draw_count: ["{0} points", "{0} 个点"], draw_more: ["too few to learn from", "点太少，无法训练"],
  draw_full: ["There may be {0} points.", "最多可以有 {0} 个点。"],
  draw_keys: ["Click to set a point, Shift-click to erase one. In the picture: arrow keys move, Enter sets, Delete erases, 1 to 5 choose the class, Z undoes.", "单击放置点，按住 Shift 单击擦除。在图中：方向键移动，回车放置，Delete 擦除，1 到 5 选择类别，Z 撤销。"],
  save_session: ["Save session", "保存会话", "One file with settings, rows, drawn points, changes and the step.", "一个文件，包含设置、数据、手绘的点、更改和步数。"],
  load_session: ["Load session…", "载入会话…", "A file that Save session made. It is checked, and read on this machine alone.", "由“保存会话”生成的文件。会先检查，且只在本机读取。"],
  session_long: ["The file is too long for a saved session.", "文件过大，不是保存的会话。"],
  drawn_missing: ["The address has settings, but not the points: what is drawn is never in it. A saved session has it.", "地址中有设置但没有点：手绘的点不会写入地址，保存的会话中才有。"],
  paste: ["Paste or load a table", "粘贴或载入表格", "CSV: a line of names, then numbers. It stays on this machine.", "CSV：首行为列名，其余为数字。数据不会离开本机。"],
  table: ["Table", "表格", "Names in the first line, a row in each other.", "首行为列名，其余每行一个样本。"], target: ["Target", "目标列", "The column that is to be predicted.", "要预测的列。"], file: ["File…", "文件…", "Choose a file of CSV on this machine.", "选择本机上的 CSV 文件。"], use: ["Use it", "使用", "Train on this table.", "用此表格训练。"],
  last_column: ["the last column", "最后一列"],
  loss: ["Loss", "损失函数", "What the training makes small.", "训练要减小的量。"],
  optimizer: ["Optimiser", "优化器", "The rule by which a gradient changes a weight.", "由梯度更新权重的规则。"],
  mistake: ["Mistake", "错误", "A mistake of the article in the gradient of the cross-entropy; the loss itself stays right.", "原文在交叉熵梯度中的错误；损失本身仍是正确的。"],
  without_softmax: ["no softmax", "缺少 softmax"], diagonal_of_a_column: ["np.diag of a column", "对列向量用 np.diag"],
  from_0_to_1: ["from 0 to 1", "0 到 1 之间"],
  lr: ["Learning rate", "学习率", "How far a step goes. Too high, and the loss jumps or grows without bound.", "每一步走多远。太大时损失会震荡甚至发散。"],
  schedule: ["Schedule", "学习率计划", "How the learning rate changes from step to step.", "学习率随步数如何变化。"],
  changes: ["Changed while it trained", "训练途中的更改", "Each holds from its step on, in the program and the address too. Going back leads over it.", "从该步起生效，也写入程序和地址；后退时同样会经过它。"],
  from_step: ["from step {0}", "从第 {0} 步起"], forget_change: ["Take it back", "撤销这一更改"], defaults: ["defaults", "默认值"],
  initialise: ["First weights", "初始化", "How the first weights are drawn. With zeros all units of a layer stay alike.", "如何抽取初始权重。全零时同层单元始终相同。"],
  norm: ["Norm", "归一化", "Brings what a layer gives to mean 0 and deviation 1.", "把一层的输出调整为均值 0、标准差 1。"],
  dropout: ["Dropout", "随机失活", "The share of units left out by chance in each step.", "每一步中随机失活的单元比例。"],
  stop: ["Stop", "停止条件", "Where playing ends by itself; 0 is never.", "播放自动停止的条件；0 表示不停止。"], stop_epoch: ["at epoch", "到第几轮", "Stop after so many epochs; 0 is never.", "达到该轮数后停止；0 表示不停止。"], stop_loss: ["at loss ≤", "当损失 ≤", "Stop when the training loss is as low; 0 is never.", "训练损失低到该值时停止；0 表示不停止。"],
  more: ["More settings", "更多设置", "Settings of the optimiser, the schedule, and where it stops.", "优化器、学习率计划和停止条件的设置。"],
  accuracy: ["accuracy", "准确率", "The share of rows whose class is right.", "类别正确的样本比例。"],
  r2: ["R²", "R²", "1 is perfect, 0 is no better than the mean.", "1 为完美，0 表示不比均值更好。"],
  train: ["training", "训练集", "Rows that are trained on.", "参与训练的样本。"], held: ["test", "测试集", "Rows that are never trained on: they say what the network makes of new points.", "不参与训练的样本：说明网络如何对待新的点。"],
  confusion: ["Confusion", "混淆矩阵", "Rows: the true class. Columns: what the network says.", "行：真实类别；列：网络的判断。"],
  probe: ["Click into the field, or use its arrow keys, to follow one point.", "点击输出图，或在其中使用方向键，跟踪一个点。"],
  probed: ["at", "在点"],
  at_held: ["others held at", "其余列固定为", "The columns that are no axes have these values in the picture.", "不是坐标轴的列在图中取这些值。"],
  axes: ["Axes", "坐标轴", "Which two columns the picture shows.", "图中显示哪两列。"],
  weights: ["weights", "权重", "Width shows the size, colour and dash the sign.", "线宽表示大小，颜色和虚线表示符号。"],
  gradients: ["gradients", "梯度", "∂loss/∂w on the batch to come.", "下一批次上的 ∂损失/∂w。"],
  add_layer: ["Add a layer", "增加一层", "A layer of four units before the output.", "在输出之前增加四个单元的一层。"], remove_layer: ["Remove this layer", "删除这一层", "The layers around it are joined.", "相邻的层会直接相连。"],
  add_unit: ["One unit more", "增加一个单元", "Up to 32 in a layer.", "每层最多 32 个。"], remove_unit: ["One unit less", "减少一个单元", "The last one of the layer goes.", "去掉该层的最后一个。"],
  unit: ["unit", "单元", "A unit adds up what comes in, each times its weight, adds a bias, and bends the sum. Click: its bias. Point at it: its picture, large.", "单元把传入的值乘以权重后相加，加上偏置，再弯曲。点击：选择其偏置；指向：放大显示。"], layer: ["layer", "层"], input: ["input", "输入", "What the network reads of each row.", "网络从每个样本读取的量。"], bias: ["bias", "偏置", "What is added to a unit's sum.", "加到单元之和上的数。"],
  weight_of: ["weight from {0} to {1}", "从 {0} 到 {1} 的权重"],
  dead: ["dead", "死亡", "Its slope is 0 on all rows: no gradient passes.", "在所有样本上斜率为 0，梯度无法通过。"],
  saturated: ["saturated", "饱和", "On nearly all rows it is on the flat part of its activation.", "在几乎所有样本上都处于激活函数的平坦部分。"],
  no_idle: ["no dead or saturated unit", "没有死亡或饱和的单元", "All units let gradients through.", "所有单元都让梯度通过。"],
  value: ["value", "数值", "The number as it is now.", "当前的数值。"], gradient: ["gradient", "梯度", "By how much the loss grows if this number grows a little, on the batch to come.", "这个数略微增大时，下一批次的损失增大多少。"], shape: ["shape", "形状", "Rows and columns of the array.", "数组的行数和列数。"],
  change: ["change / weight", "变化 / 权重", "The size of the latest change beside that of the weight; about 1/1000 is usual.", "最近一次变化与权重之比，通常约为千分之一。"],
  size_of_gradient: ["gradient (RMS, log)", "梯度（均方根，对数）", "The same length is the same size in all layers. Far shorter bars at the left layers mean that the gradient fades.", "各层用同一刻度。靠近输入的层若短很多，说明梯度消失。"],
  terms: ["row by row", "逐个样本", "One term for each row of the batch: what came in times what comes back.", "批次中每个样本一项：传入的值乘以传回的值。"],
  check: ["Check by finite differences", "用有限差分检验", "Moves this one weight a little to both sides, and compares the slope of the loss.", "把这个权重向两侧微调，比较损失的斜率。"],
  numeric: ["numeric", "数值差分", "The slope by moving the weight to both sides.", "把权重向两侧移动得到的斜率。"], engine: ["engine", "自动微分", "The gradient as back-propagation computes it.", "反向传播算出的梯度。"], difference: ["relative difference", "相对误差", "Between the two; below about 1e−5 they agree.", "两者之差；小于约 1e−5 即为一致。"],
  update: ["Update rule", "更新规则", "The lines that make the new weight of the old one and its gradient.", "由旧权重和梯度得到新权重的各行。"],
  reads: ["It reads", "用到的量", "The values that this line is computed from; each leads to the line that gives it.", "这一行用到的数值；点击可跳到给出它的那一行。"], rule: ["Rule", "依据", "The rule of calculus, with its number in the derivation.", "所用的求导法则及其在推导中的编号。"],
  choose: ["Click a link or a unit of the network, or choose a parameter above: its gradient is explained here.", "请点击网络中的一条连线或一个单元，或在上方选择参数：这里将解释它的梯度。"],
  paused_only: ["Pause to see the numbers of the next batch.", "暂停后可查看下一批次的数值。"],
  forward: ["forward", "前向", "From the points to the loss.", "从点到损失。"], backward: ["backward", "反向", "From the loss to the weights.", "从损失到权重。"],
  first: ["First line", "第一行", "The first line of the forward pass.", "前向传播的第一行。"], previous: ["Line before", "上一行", "The line before ([).", "上一行（[）。"], next: ["Next line", "下一行", "The next line (]).", "下一行（]）。"], last: ["Last line", "最后一行", "The last line of the backward pass.", "反向传播的最后一行。"],
  line_of: ["line {0} of {1}", "第 {0} 行，共 {1} 行"],
  no_graph: ["This graph has too many boxes to be read.", "计算图的方框太多，难以看清。"],
  code: ["Code", "代码", "The Python program that computes the same numbers to the bit.", "计算出完全相同数值的 Python 程序。"],
  model: ["Model", "模型", "The weights as a file of safetensors.", "权重，safetensors 文件。"],
  program: ["Program", "程序", "It ends at the step that the page shows.", "它在页面显示的那一步结束。"], whole_step: ["One training step", "一个训练步", "Forward, backward and update as NumPy.", "前向、反向和更新的 NumPy 代码。"],
  copy: ["Copy", "复制", "Copy the text.", "复制文本。"], copied: ["copied", "已复制"], save: ["Save", "保存", "Save it as a file.", "保存为文件。"], close: ["Close", "关闭", "Close this.", "关闭。"],
  own_rows: ["Rows", "数据", "Your rows, as the program reads them.", "程序读取的数据文件。"],
  dark: ["Light or dark", "浅色或深色", "Change between light and dark.", "切换浅色和深色。"], language: ["中文", "English", "Show the page in Chinese.", "用英文显示页面。"],
  help: ["Help", "帮助", "What the keys do, and what the terms mean (?).", "快捷键和术语解释（?）。"],
  key_names: ["Keys", "快捷键"], terms_here: ["Terms on this page", "本页术语"],
  lines: ["Lines", "各行", "All lines of the two passes by the names that they give; the present one is lit, and what it reads is framed.", "两次传播的所有行，以其给出的名字表示；当前行高亮，它用到的量加框。"],
  followed: ["Point", "点", "What the network says of the point that you follow.", "网络对所跟踪的点的判断。"],
  field: ["Picture of the output", "输出图", "What the network says over the plane. Click, or use the arrow keys, to follow one point.", "网络在平面上的判断。点击或使用方向键可跟踪一个点。"],
  where: ["Step and epoch", "步数与轮数", "How many steps and epochs were taken.", "已走的步数和轮数。"],
  activation: ["Activation", "激活函数", "The function that bends what a unit adds up.", "弯曲单元之和的函数。"],
  place: ["Place", "位置", "The row and column of the entry in its parameter.", "元素在参数中的行和列。"],
  row_of_flow: ["Parameter", "参数", "W is a layer's weights, b its biases. Click: it is selected.", "W 是一层的权重，b 是偏置。点击即可选择。"],
  keys: ["space: play or pause · →: step · ←: back · R: reset · 1, 2, 3: operation, batch, epoch · [ and ]: line of the backward pass · N, G, S: network, graph, source · arrow keys in the output: move the point that is followed · ?: this help",
    "空格：播放或暂停 · →：前进 · ←：后退 · R：重置 · 1、2、3：运算、批次、轮 · [ 和 ]：上一行、下一行 · N、G、S：网络、计算图、源码 · 输出图中的方向键：移动所跟踪的点 · ?：本帮助"],
  tour: ["Tour", "导览", "A guided tour: what a layer computes, why the gradient is what it is, and what goes wrong.", "导览：一层计算什么、梯度为什么是这样、会出什么错。"],
  tour_offer: ["New here? A tour of {0} short steps shows how a network learns, and why.", "第一次来？{0} 个简短的步骤带你了解网络怎样学习，以及为什么。"],
  tour_left: ["The tour was left at step {0} of {1}.", "导览停在第 {0} 步，共 {1} 步。"],
  tour_begin: ["Begin the tour", "开始导览", "It sets the page for each of its steps; you can leave at any time.", "每一步都会设置好页面；可以随时离开。"],
  tour_resume: ["Go on", "继续", "Set the page for that step again.", "重新为该步骤设置页面。"],
  tour_decline: ["No, thanks", "不用了", "It stays behind the button Tour.", "以后可通过“导览”按钮打开。"],
  tour_restore: ["Back to before the tour", "恢复导览前的状态", "The settings and the step that the page had before.", "恢复之前的设置和步数。"],
  tour_previous: ["Previous", "上一步", "The step before.", "前一个步骤。"],
  tour_next: ["Next", "下一步", "The next step.", "下一个步骤。"],
  tour_again: ["Set it again", "重新设置", "Set the page for this step again, whatever you changed.", "无论改动了什么，重新为此步骤设置页面。"],
  tour_leave: ["Leave", "离开", "The page stays as it is, and the tour can go on later (Esc).", "页面保持原样，稍后可以继续（Esc）。"],
  tour_end: ["End", "结束", "The page stays as it is.", "页面保持原样。"],
  tour_try: ["Try", "试一试"],
  tour_keys: ["← and → in this box, Esc leaves", "在此框内按 ← 和 →，Esc 离开"],
  printed: ["printed by the article", "原文打印的损失", "−log of the right class's output, without the softmax: no loss at all.", "正确类别输出的 −log，没有经过 softmax：并不是损失。"],
  rate: ["learning rate", "学习率", "The learning rate of the next step.", "下一步的学习率。"], epochs: ["epochs", "轮数", "How many times each training row was used.", "每个训练样本用过的次数。"],
  lost: ["The connection is lost. The session is kept for ten minutes.", "连接已断开。会话会保留十分钟。"],
  no_key: ["Open the address that adjoint play printed: it has the key to this page.", "请打开 adjoint play 打印的地址，其中包含本页的密钥。"],
  kernel_gone: ["The kernel that trained here is gone. Run the cell again.", "训练所在的内核已不在。请重新运行单元格。"],
  kernel_busy: ["The kernel is busy, perhaps with another cell; these panels wait for it.", "内核正忙，可能在执行其他单元格；请稍候。"],
  cell_closed: ["Too many playgrounds are open in this kernel, so this one was closed. Run the cell again.", "此内核中打开的页面过多，本页已关闭。请重新运行单元格。"],
  reconnect: ["Connect again", "重新连接"],
  own_missing: ["The address has settings, but not the table: own rows are never in it.", "地址中有设置但没有表格：自己的数据不会写入地址。"],
  again: ["Taking steps: {0} of {1}. Play or Step ends it.", "正在执行：第 {0} 步，共 {1} 步。点击“播放”或“单步”可中止。"],
  making: ["Native code is made for the new network.", "正在为新网络生成本机代码。"],
  bad_address: ["The settings in the address cannot be read; the page begins with its own.", "无法读取地址中的设置；页面使用默认设置。"],
  many_numbers: ["The model has too many numbers to be shown while it trains; the check has this one.", "模型参数太多，训练时无法逐一显示；检验可得到该值。"],
  by_layer: ["Norm and dropout by layer", "各层的归一化与随机失活", "What one layer has in the place of what all have.", "某一层单独使用的设置。"], as_all: ["as all", "同全部"],
  dtype: ["Precision", "精度", "float64 has about 16 digits, float32 about 7.", "float64 约 16 位有效数字，float32 约 7 位。"],
  exports: ["Model as", "导出模型为", "The trained model for where there is no adjoint. It reads its inputs as the training does: scaled, with features.", "用于没有 adjoint 的环境的模型文件。输入与训练时相同：经过缩放，并包含所选特征。"],
  exporting: ["being made and tested…", "正在生成并测试……"],
  svg: ["SVG", "SVG", "This picture as a file of SVG, in light colours.", "将此图保存为 SVG 文件（浅色）。"],
  pin: ["Pin", "固定", "Keep this run's curve, output and scores beside what comes next. Then change one thing.", "保留这次训练的曲线、输出和得分，再改动一处进行比较。"],
  pinned: ["Pinned run", "已固定的训练"], unpin: ["Unpin", "取消固定"], pinned_output: ["Output of the pinned run", "已固定训练的输出"],
  differs: ["Differs (pinned → now)", "差异（固定 → 现在）"], nothing_differs: ["the settings are the same", "设置相同"],
  curve: ["Curve", "曲线", "What is drawn over the epochs; point at it for its numbers. The scale is logarithmic where a loss spans more than a factor of 100.", "随轮数变化的曲线；指向曲线可看数值。损失跨度超过 100 倍时使用对数刻度。"],
  given_rows: ["training rows", "训练样本数", "The rows of yours that are trained on.", "您的数据中参与训练的样本。"], given_test: ["test rows", "测试样本数", "The rows of yours that are not.", "您的数据中不参与训练的样本。"],
  diverged: ["The loss is no longer a finite number. Go back, or try a lower learning rate.", "损失已不是有限的数。请后退，或降低学习率。"],
  stopped: ["stopped by the condition", "已按条件停止"],
  now: ["step {0}, epoch {1}: training loss {2}, {3}", "第 {0} 步，第 {1} 轮：训练损失 {2}，{3}"],
  given_model: ["Your model, as it was given to ad.play.", "传给 ad.play 的模型。"],
  tier_wasm: ["WebAssembly", "WebAssembly"],
  in_browser: ["This page trains in your browser, without Python. {0} networks are built into it: the nearest one is taken. What is grey needs Python: install adjoint, and run adjoint play.", "本页在浏览器中训练，不需要 Python。内置 {0} 个网络，会选用最接近的一个。灰色部分需要 Python：请安装 adjoint 并运行 adjoint play。"],
  needs_python: ["Derivations, graphs, checks and code are computed by Python, which this page does not have: install adjoint, and run adjoint play.", "推导、计算图、检验和代码由 Python 计算，本页没有 Python：请安装 adjoint 并运行 adjoint play。"],
  none: ["none", "无"], auto: ["auto", "自动", "Those that suit the activation.", "适合所用激活函数的初始化。"],
  tier_native: ["native code", "本机代码"], tier_eager: ["eager steps", "即时执行"],
  curve_empty: ["The curve begins with the first epoch.", "第一轮结束后开始绘制曲线。"],
  parameter: ["Parameter", "参数", "Choose a weight or bias; the numbers beside it are its place.", "选择权重或偏置；旁边的数字是它的位置。"],
  legend_points: ["filled: training, hollow: test", "实心：训练集，空心：测试集", "The marks in the picture.", "图中的标记。"],
  link_width: ["width: size", "线宽：大小"],
  negative: ["negative", "负"], positive: ["positive", "正"],
};

let lang = remembered("lang") || (navigator.language.startsWith("zh") ? "zh" : "en");

/** @returns {"en"|"zh"} */
export function language() {
  return lang === "zh" ? "zh" : "en";
}

/** Change to the other language. */
export function switchLanguage() {
  lang = lang === "zh" ? "en" : "zh";
  remember("lang", lang);
}

/**
 * Return a word of the page in the present language.
 * @param {string} key
 * @param {...any} given
 */
export function say(key, ...given) {
  const found = WORDS[key];
  const text = found ? found[lang === "zh" ? 1 : 0] : key;
  return text.replace(/\{(\d)\}/g, (_, place) => String(given[Number(place)]));
}

/** Return what a value means that is chosen for a setting, or nothing. @param {string} setting @param {string} value */
export function termOf(setting, value) {
  const found = TERMS[`${setting} ${value}`] || TERMS[value];
  return found ? found[lang === "zh" ? 1 : 0] : "";
}

/** Return the hover text of a word or a term, or nothing. @param {string} key */
export function hint(key) {
  const found = WORDS[key], place = lang === "zh" ? 1 : 0;
  return (found && found[2 + place]) || TERMS[key]?.[place] || "";
}
