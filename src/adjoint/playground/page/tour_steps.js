/** The steps of the tour: data alone. Each says what is set, what is shown, and what is told in both languages. */

/**
 * @typedef {Object} TourStep
 * @property {string} id
 * @property {Object<string, any>} settings how they differ from those of the article
 * @property {number} [epochs] how many are taken before
 * @property {string} [tab]
 * @property {string} [shows] weights or gradients
 * @property {string} [scale]
 * @property {string} [line] the name that a line of the two passes gives its value
 * @property {[string, number]} [entry] a parameter, and which of its entries
 * @property {boolean} [check] whether the entry is checked by finite differences
 * @property {boolean} [update] whether its rule is shown
 * @property {string[]} look what is to be looked at, the most important first
 * @property {string[]} [readings] numbers of the page that stand in the card, too
 * @property {[string, string, string]} en title, text, and what to try
 * @property {[string, string, string]} zh
 */

/** What the article trains: two moons, 2-4-4-2 with sigmoids, batches of 50, a rate of 0.05. */
export const ARTICLE = {
  data: "moons", rows: 1000, noise: 0.1, test: 0.3, seed: 0, features: ["x1", "x2"],
  layers: [{ units: 4, activation: "sigmoid" }, { units: 4, activation: "sigmoid" }],
  loss: "cross_entropy", optimizer: "sgd", lr: 0.05, batch_size: 50,
};

/** All rows of so small a batch are seen. */
const FEW = { batch_size: 5 };

/** @type {TourStep[]} */
export const STEPS = [
  {
    id: "layer", settings: FEW, tab: "network", shows: "weights", scale: "operation", line: "a1", look: ["#model", "#passes"],
    en: ["What a layer computes",
      "Each point has two numbers. A layer multiplies them by its weights (the links), adds a bias, and bends the result with the sigmoid: a = xW + b, z = σ(a). Three layers in a row make this network, 2-4-4-2. The square of a unit shows what it gives over the whole plane.",
      "Point at a unit of the first layer: it divides the plane by one soft line. A unit of the second layer combines four of them."],
    zh: ["一层计算什么",
      "每个点有两个数。一层把它们乘以权重（连线），加上偏置，再用 sigmoid 弯曲结果：a = xW + b，z = σ(a)。三层相连就是这个网络 2-4-4-2。单元的方块显示它在整个平面上的输出。",
      "把指针移到第一层的单元上：它用一条柔和的直线划分平面。第二层的单元则组合四条这样的线。"],
  },
  {
    id: "loss", settings: FEW, tab: "network", line: "loss", look: ["#passes", "#output"], readings: ["loss"],
    en: ["How wrong is it? The loss",
      "Softmax turns the two outputs into probabilities. The loss is the mean of −log p, where p is the probability of the right class. It is 0 when every right class has probability 1, and log 2 ≈ 0.69 when the network tosses a coin. Below stands the loss of the five rows of the next batch, at the right that of all 700.",
      "Click into the output: below it stands what the network says of that point. All of it is near one half."],
    zh: ["错了多少？损失函数",
      "softmax 把两个输出变成概率。损失是 −log p 的平均值，p 是正确类别的概率。所有正确类别的概率都为 1 时损失为 0；像掷硬币一样猜测时为 log 2 ≈ 0.69。下方是下一批次五个样本的损失，右侧是全部 700 个样本的损失。",
      "点击输出图：图下会显示网络对该点的判断，处处都接近二分之一。"],
  },
  {
    id: "backward", settings: FEW, tab: "graph", line: "d_a3", look: ["#passes", "#model"],
    en: ["Where the gradient begins",
      "The gradient says how the loss grows when a number grows a little. It is computed backwards from the loss. The first line is simple: for each of the five rows, (softmax − Y) / 5, where Y is 1 for the right class and 0 for the other. Too much probability is a positive number, too little a negative one.",
      "Press ] or → below to go on, line by line, towards the first layer. The box in the graph goes along."],
    zh: ["梯度从哪里开始",
      "梯度表示一个数略微增大时损失增大多少，它从损失开始向后计算。第一行很简单：对五个样本中的每一个，(softmax − Y) / 5，其中正确类别的 Y 为 1，另一类为 0。概率过大为正，过小为负。",
      "按 ] 或下方的 →，一行一行走向第一层。计算图中的方框会同步移动。"],
  },
  {
    id: "weight", settings: FEW, tab: "network", shows: "gradients", entry: ["layers[0].weight", 0], check: true, look: ["#selected", "#passes"], readings: ["value", "gradient", "difference"],
    en: ["Why this weight has this gradient",
      "The black link leads from x₁ to the first unit. Its gradient is one entry of zᵀ ∂L/∂a, equation (7) of the article: for each row, what came in times how much the unit's sum matters, added up. The sum is written out with its five products. The check moves only this weight, and finds the same slope.",
      "Click another link, and check it. Follow the names after “It reads” to see where a factor comes from."],
    zh: ["为什么这个权重有这样的梯度",
      "黑色连线从 x₁ 通向第一个单元。它的梯度是 zᵀ ∂L/∂a 的一个元素，即原文的公式 (7)：对每个样本，把传入的值乘以该单元的和对损失的影响，再相加。这里写出了五个乘积之和。检验只微调这一个权重，得到相同的斜率。",
      "点击另一条连线并检验它。沿着“用到的量”后面的名字，可以看到每个因子从哪里来。"],
  },
  {
    id: "update", settings: FEW, tab: "network", shows: "weights", scale: "batch", entry: ["layers[0].weight", 0], update: true, look: ["#selected", "#step"], readings: ["value", "gradient", "rate"],
    en: ["The update",
      "Now the weight moves against its gradient: the new weight is the old one − learning rate × gradient. All 42 weights and biases do so at once. That is one step on one batch.",
      "Press Step, and compare the value above with what you expected. Back takes the step back, to the last bit."],
    zh: ["更新",
      "现在权重沿梯度的反方向移动：新权重 = 旧权重 − 学习率 × 梯度。全部 42 个权重和偏置同时这样做。这就是一个批次上的一步。",
      "按“单步”，把上面的数值与你的预期比较。“后退”撤销这一步，每一位都相同。"],
  },
  {
    id: "epoch", settings: {}, tab: "network", scale: "epoch", look: ["#output", "#play"], readings: ["epochs", "loss", "accuracy"],
    en: ["An epoch, and a thousand",
      "When each of the 700 training rows was used once, in 14 batches of 50, an epoch is over. The network needs some hundred of them for a straight boundary, and some thousand to bend it around the moons.",
      "Press Step for one epoch. Then choose the speed “fastest”, and Play: it is a million steps in seconds, as native code."],
    zh: ["一轮，以及一千轮",
      "700 个训练样本按每批 50 个分成 14 批，各用一次，就是一轮。网络需要几百轮才能画出直的边界，再用几千轮才能沿月牙弯曲。",
      "按“单步”训练一轮。然后把速度选为“最快”并播放：本机代码几秒内就能走一百万步。"],
  },
  {
    id: "equal", settings: { initialise: "zeros", lr: 1 }, epochs: 300, tab: "network", look: ["#model", "#set-initialise"], readings: ["loss", "accuracy"],
    en: ["What goes wrong: equal weights",
      "Here all weights began with 0. Units of a layer that are alike get gradients that are alike, so they stay alike for ever: four units do the work of one. The boundary is one line, and about a tenth of the points stays on the wrong side of it, however long you train.",
      "Press Play: nothing comes of it. Then choose the first weights “auto”, and play again: by epoch 300 all points are right."],
    zh: ["会出什么错：相同的权重",
      "这里所有权重都从 0 开始。同一层中相同的单元得到相同的梯度，于是永远相同：四个单元只起一个单元的作用。边界只是一条线，无论训练多久，约十分之一的点始终在错误的一侧。",
      "按“播放”：没有任何进展。然后把初始化选为“自动”，再播放一次：到第 300 轮，所有点都判对了。"],
  },
  {
    id: "uniform", settings: { initialise: "from_0_to_1" }, epochs: 30, tab: "network", look: ["#curve", "#set-initialise"], readings: ["epochs", "loss"],
    en: ["The article's weights: from 0 to 1",
      "The article draws all weights between 0 and 1. The units are not equal, but nearly so, and it takes long until they differ: after 30 epochs the loss is hardly below log 2 ≈ 0.69. Weights around 0, of a size that fits the layer, are ahead by then.",
      "Press Play until epoch 100, and note the loss. Do the same with the first weights “auto”."],
    zh: ["原文的权重：0 到 1 之间",
      "原文在 0 和 1 之间抽取所有权重。各单元并不相同，但十分接近，需要很久才会分化：30 轮之后损失仅略低于 log 2 ≈ 0.69。以 0 为中心、大小与层相称的权重此时已经领先。",
      "播放到第 100 轮并记下损失。再用“自动”初始化做同样的事。"],
  },
  {
    id: "rate", settings: { lr: 30 }, epochs: 30, tab: "network", look: ["#curve", "#set-lr", "#flow"], readings: ["loss", "accuracy"],
    en: ["What goes wrong: too high a rate",
      "With a learning rate of 30 each step jumps over the valley that it should go down into. The loss is worse than a coin's, and jumps. The weights are so large that units are saturated (≈): there the sigmoid is flat, and hardly any gradient passes.",
      "Press Reset, try 1, 5 and 10, and play. Where does the curve begin to jump, and which rate learns fastest?"],
    zh: ["会出什么错：学习率太大",
      "学习率为 30 时，每一步都跳过了本应走下去的谷底。损失比掷硬币更差，而且不断跳动。权重变得很大，单元饱和（≈）：那里 sigmoid 是平的，梯度几乎无法通过。",
      "按“重置”，试试 1、5 和 10 并播放。曲线从哪里开始跳动？哪个学习率学得最快？"],
  },
  {
    id: "without_softmax", settings: { mistake: "without_softmax", lr: 0.5 }, epochs: 3000, tab: "network", shows: "gradients", entry: ["layers[4].weight", 0], check: true, look: ["#selected", "#output", "#set-mistake"], readings: ["loss", "accuracy", "difference"],
    en: ["The article's mistake: no softmax",
      "The article begins the backward pass with outputs − Y, where softmax(outputs) − Y is right. Its gradient is that of another loss, of squares: the outputs go to 0 and 1. So the network learns, and nobody notices. But softmax of 0 and 1 is 0.73: no answer gets surer than that, and the loss no lower than 0.313. The check sees it at once.",
      "Set the mistake to “none”: the field gets its full colours, and the check its ✓."],
    zh: ["原文的错误：缺少 softmax",
      "原文的反向传播从“输出 − Y”开始，正确的是 softmax(输出) − Y。这是另一个损失（平方误差）的梯度：输出趋向 0 和 1。网络照样能学习，于是没有人发现。但 0 和 1 的 softmax 是 0.73：任何回答都不会更有把握，损失也不会低于 0.313。检验立刻就能发现。",
      "把错误设为“无”：输出图恢复饱满的颜色，检验也显示 ✓。"],
  },
  {
    id: "diagonal", settings: { mistake: "diagonal_of_a_column" }, epochs: 300, tab: "network", entry: ["layers[4].weight", 0], check: true, look: ["#selected", "#curve", "#set-mistake"], readings: ["loss", "difference"],
    en: ["The article's mistake: np.diag of a column",
      "The article also wrote a backward pass for softmax, and left it commented out. Switched on, it takes np.diag of a column, which reads the diagonal instead of making one: one number takes the place of a matrix. NumPy says nothing. The loss ends at 0.693, as if by tossing a coin.",
      "Check other weights of the last layer. Then set the mistake to “none”."],
    zh: ["原文的错误：对列向量用 np.diag",
      "原文还写了 softmax 的反向传播，但把它注释掉了。如果启用，它对一个列向量用 np.diag，得到的是取出的对角线而不是对角矩阵：一个数代替了一个矩阵。NumPy 一声不响。损失停在 0.693，与掷硬币无异。",
      "检验最后一层的其他权重。然后把错误设为“无”。"],
  },
  {
    id: "printed", settings: { lr: 1 }, epochs: 100, tab: "network", scale: "epoch", look: ["#output", "#tour"], readings: ["epochs", "loss", "printed"],
    en: ["The article's mistake: the printed loss",
      "While it trains, the article prints −log of the output of the right class, without the softmax. An output is no probability: below 0 it has no logarithm (NaN), above 1 the “loss” is negative. Both numbers stand here, the true loss and the printed one.",
      "Press Play until epoch 200: the printed one falls below 0. This was the last step; all of the page is yours now. The derivation of every formula is in the documentation."],
    zh: ["原文的错误：打印的损失",
      "训练时，原文打印的是正确类别输出的 −log，没有经过 softmax。输出并不是概率：小于 0 时没有对数（NaN），大于 1 时“损失”为负。这里同时列出真正的损失和打印的损失。",
      "播放到第 200 轮：打印的值降到 0 以下。这是最后一步，现在整个页面都归你使用。每个公式的推导都在文档中。"],
  },
];
