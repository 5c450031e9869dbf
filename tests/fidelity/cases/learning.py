"""Models: scikit-learn, lightgbm, statsmodels, scipy and torch."""

from tests.fidelity.case import Shelf

sklearn = Shelf("sklearn")
lightgbm = Shelf("lightgbm")
statsmodels = Shelf("statsmodels")
scipy = Shelf("scipy")
torch = Shelf("torch")
DATA = """
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(300, 4))
y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
"""

sklearn.restored(
    "a fitted pipeline",
    DATA
    + """
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
frame = pd.DataFrame(X, columns=list("abcd"))
frame["k"] = np.where(y, "u", "v")
shift = 1.5
def shifted(x):
    return x + shift
columns = ColumnTransformer(
    [("num", make_pipeline(StandardScaler(), FunctionTransformer(shifted)), list("abcd")),
     ("cat", OneHotEncoder(handle_unknown="ignore"), ["k"])]
)
model = make_pipeline(columns, LogisticRegression(max_iter=500)).fit(frame, y)
last = model[-1]
""",
    """
tell(model.predict_proba(frame).tobytes().hex())
assert model[-1] is last and model.named_steps["columntransformer"] is not None
before = model.predict_proba(frame)
shift = 100
assert not np.array_equal(before, model.predict_proba(frame))
assert list(model.feature_names_in_) == list(frame)
""",
)
sklearn.restored(
    "trees, forests and boosting",
    DATA
    + """
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.ensemble import HistGradientBoostingRegressor
forest = RandomForestClassifier(20, random_state=1, n_jobs=1).fit(X, y)
boosted = GradientBoostingClassifier(n_estimators=5, random_state=0).fit(X, y)
hist = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, y)
tree = forest.estimators_[0]
""",
    """
for model in (forest, boosted):
    tell(model.predict_proba(X).tobytes().hex())
tell(hist.predict(X).tobytes().hex())
assert forest.estimators_[0] is tree and tree.tree_.node_count > 3
""",
)
sklearn.restored(
    "neighbours, searches and estimators of one's own",
    DATA
    + """
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neighbors import BallTree, KDTree, KNeighborsClassifier
from sklearn.svm import SVC
class Mean(ClassifierMixin, BaseEstimator):
    def __init__(self, offset=0.0):
        self.offset = offset
    def fit(self, X, y):
        self.mean_, self.classes_ = X.mean(), np.unique(y)
        return self
    def predict(self, X):
        return (X[:, 0] > self.mean_ + self.offset).astype(int)
folds = KFold(3, shuffle=True, random_state=0)
search = GridSearchCV(Mean(), {"offset": [0.0, 0.5]}, cv=folds).fit(X, y)
near = KNeighborsClassifier(3, algorithm="kd_tree").fit(X, y)
trees = KDTree(X), BallTree(X)
svc, pca = SVC().fit(X, y), PCA(2).fit(X)
means = KMeans(3, n_init=1, random_state=0).fit(X)
""",
    """
assert type(search.best_estimator_) is Mean and isinstance(clone(search).estimator, Mean)
tell((search.best_params_, search.predict(X).sum(), near.predict_proba(X).tobytes().hex()))
tell([tree.query(X[:5], k=2)[1].tolist() for tree in trees])
tell(svc.decision_function(X).tobytes().hex())
tell(pca.transform(X).tobytes().hex())
tell(means.predict(X).sum())
""",
)
sklearn.restored(
    "training goes on",
    DATA
    + """
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier
state = np.random.RandomState(3)
sgd = SGDClassifier(random_state=state)
sgd.partial_fit(X[:100], y[:100], classes=[0, 1])
net = MLPClassifier((5,), random_state=1, max_iter=3, warm_start=True).fit(X, y)
""",
    """
assert sgd.random_state is state
sgd.partial_fit(X[100:200], y[100:200])
net.fit(X, y)
tell((sgd.coef_.tobytes().hex(), net.predict_proba(X).tobytes().hex(), state.random_sample()))
""",
)
lightgbm.restored(
    "boosters of lightgbm",
    DATA
    + """
import lightgbm as lgb
options = {"objective": "binary", "verbosity": -1, "num_threads": 1, "seed": 1}
data = X.tolist()
booster = lgb.train(options, lgb.Dataset(X, y), num_boost_round=10)
model = lgb.LGBMRegressor(n_estimators=5, verbosity=-1, n_jobs=1).fit(X, y)
""",
    """
tell((booster.predict(X).tobytes().hex(), model.predict(X).tobytes().hex(), booster.num_trees()))
assert booster.params["objective"] == "binary" and model.booster_.num_trees() == 5
""",
)
lightgbm.unsaved(
    "data that lightgbm has taken in",
    {"data": "ctypes"},
    DATA
    + """
import lightgbm as lgb
data = lgb.Dataset(X, y, params={"verbosity": -1}).construct()
""",
    "assert X.shape == (300, 4)",
)
statsmodels.restored(
    "results of statsmodels",
    DATA
    + """
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
frame = pd.DataFrame(X, columns=list("abcd"))
frame["y"] = X[:, 0] * 2 + X[:, 1]
ols = sm.OLS(frame["y"], sm.add_constant(frame[["a", "b"]])).fit()
formula = smf.ols("y ~ a + np.square(c)", data=frame).fit()
glm = sm.GLM(y, X, family=sm.families.Binomial()).fit()
""",
    """
for result in (ols, formula, glm):
    tell((np.asarray(result.params).tobytes().hex(), np.asarray(result.bse).tobytes().hex()))
new = frame.head(5) + 1
tell((formula.predict(new).tolist(), ols.summary().tables[1].as_text()))
""",
)
statsmodels.rehearsed(
    "a formula that calls a function of the notebook",
    "model",
    """
import pandas as pd
import statsmodels.formula.api as smf
def twice(x):
    return x * 2
model = smf.ols("y ~ twice(a)", data=pd.DataFrame({"a": [1.0, 2, 4], "y": [1.0, 2, 3]})).fit()
""",
)
scipy.restored(
    "sparse matrices and arrays",
    """
import numpy as np, scipy.sparse as sp
csr = sp.random_array((500, 400), density=0.1, rng=np.random.default_rng(0), format="csr")
csc, coo, lil, dok = csr.tocsc(), csr.tocoo(), csr.tolil(), csr.todok()
old = sp.csr_matrix(csr)
values = csr.data
shared = sp.csr_array((values, csr.indices, csr.indptr), shape=csr.shape)
diagonal = sp.diags_array([1.0, 2.0])
""",
    """
for each in (csc, coo, lil, dok, old):
    assert (abs(each - csr)).sum() == 0 and each.shape == (500, 400)
assert type(csr) is sp.csr_array and type(old) is sp.csr_matrix and csr.data is values
values[0] = 99.0
assert csr.data[0] == 99 and shared.data[0] == 99 and np.shares_memory(shared.data, csr.data)
assert csr.has_sorted_indices and diagonal.toarray().tolist() == [[1, 0], [0, 2]]
""",
)
scipy.restored(
    "trees, splines, distributions and fits",
    """
import numpy as np
from scipy import interpolate, optimize, signal, spatial, stats
points = np.random.default_rng(0).normal(size=(200, 3))
tree = spatial.cKDTree(points)
hull = spatial.ConvexHull(points)
spline = interpolate.CubicSpline(np.arange(5), [0, 1, 4, 9, 16])
shift = 3
fit = optimize.minimize(lambda x: (x - shift) @ (x - shift), np.zeros(2))
frozen = stats.norm(1, 2)
kde = stats.gaussian_kde(points[:, 0])
rotation = spatial.transform.Rotation.from_euler("z", 90, degrees=True)
test = stats.ttest_1samp(points[:, 0], 0)
filtering = signal.butter(2, 0.5, output="sos")
""",
    """
tell(tree.query(np.zeros((1, 3)), k=3)[1].tolist())
tell(hull.volume)
tell(float(spline(2.5)))
tell(fit.x.tolist())
tell(frozen.cdf(0))
tell(kde(0.5).tolist())
tell(rotation.apply([1, 0, 0]).tolist())
tell(test.pvalue)
tell(filtering.tolist())
assert fit.success and spline(2) == 4
""",
)
scipy.unsaved(
    "a Delaunay triangulation that goes on growing",
    {"growing": ""},
    """
import numpy as np
from scipy import spatial
points = np.random.default_rng(0).normal(size=(50, 2))
growing = spatial.Delaunay(points, incremental=True)
""",
    "assert points.shape == (50, 2)",
)
torch.restored(
    "tensors that share storage",
    """
import torch
base = torch.arange(100_000, dtype=torch.float32)
view = base[10:20]
turned = base.view(100, 1000).t()
alias, copy = base, base.clone()
cast = base.view(torch.int32)
array = base.numpy()
small = torch.zeros(3)
part = small[1:]
scalar = torch.tensor(5)
empty = torch.empty(0, 3)
half = torch.ones(4, dtype=torch.bfloat16)
sparse = torch.eye(3).to_sparse()
""",
    """
assert alias is base and view.data_ptr() == base.data_ptr() + 40 and turned.stride() == (1, 1000)
base[10] = -1
assert view[0] == -1 and turned[10, 0] == -1 and array[10] == -1 and copy[10] == 10
array[11] = -2
assert base[11] == -2
part[0] = 7
assert small[1] == 7 and scalar.item() == 5 and scalar.dtype == torch.int64
assert empty.shape == (0, 3)
cast[0] = 1065353216
assert base[0] == 1.0 and half.dtype == torch.bfloat16 and half.sum() == 4
assert sparse.to_dense().trace() == 3
""",
)
TRAINING = """
import torch
from torch import nn
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, 1)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(1))
    def forward(self, x):
        self.seen += 1
        return self.second(self.drop(torch.relu(self.first(x))))
net = Net()
X, y = torch.randn(64, 4), torch.randn(64, 1)
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
def step():
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(X), y)
    loss.backward()
    optimizer.step()
    return loss.item()
"""
torch.restored(
    "training goes on with the same loss",
    TRAINING
    + """
schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, gamma=0.5)
for _ in range(5):
    step()
    schedule.step()
weights = net.first.weight
""",
    """
assert optimizer.param_groups[0]["params"][0] is net.first.weight is weights
assert all(p in optimizer.state for p in net.parameters()) and type(net) is Net and net.training
assert net.seen.item() == 5 and weights.requires_grad and weights.grad is not None
losses = []
for _ in range(5):
    losses.append(step())
    schedule.step()
tell(losses)
tell((schedule.get_last_lr(), net.state_dict()["second.bias"].tolist(), torch.rand(2).tolist()))
""",
)
torch.restored(
    "gradients, parameters and weights that are tied",
    """
import torch
from torch import nn
leaf = torch.ones(3, requires_grad=True)
(leaf * 2).sum().backward()
frozen = torch.ones(2)
parameter = nn.Parameter(torch.arange(3.0))
parameter.note = "mine"
model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
model[1].weight = model[0].weight
model.eval()
model[0].weight.requires_grad_(False)
named = dict(model.named_parameters())
detached = parameter.detach()
""",
    """
assert leaf.requires_grad and leaf.is_leaf and leaf.grad.tolist() == [2, 2, 2]
assert not frozen.requires_grad
assert type(parameter) is nn.Parameter and parameter.note == "mine"
assert model[1].weight is model[0].weight and not model.training
assert not model[0].weight.requires_grad
with torch.no_grad():
    parameter[0] = 50
assert detached[0] == 50 and named["0.weight"] is model[0].weight
""",
)
torch.unsaved(
    "a tensor in the middle of its gradient",
    {"loss": "history"},
    """
import torch
weights = torch.ones(3, requires_grad=True)
loss = (weights * 2).sum()
value = loss.item()
""",
    "assert value == 6 and weights.grad is None",
)
torch.restored(
    "data sets, loaders and generators",
    """
import torch
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split
torch.manual_seed(1)
class Squares(Dataset):
    def __len__(self):
        return 10
    def __getitem__(self, n):
        return n * n
generator = torch.Generator().manual_seed(7)
torch.rand(1, generator=generator)
squares = Squares()
loader = DataLoader(squares, batch_size=3, shuffle=True, generator=generator)
list(loader)
tensors = TensorDataset(torch.arange(6))
left, right = random_split(tensors, [4, 2])
""",
    """
assert loader.dataset is squares and loader.generator is generator
assert right.dataset is left.dataset is tensors
tell([batch.tolist() for batch in loader])
tell(torch.rand(2, generator=generator).tolist())
tell(torch.rand(2).tolist())
tell([int(x[0]) for x in left])
""",
)
torch.restored(
    "modules with hooks, lambdas and lists",
    """
import torch
from torch import nn
seen = []
layer = nn.Linear(2, 2)
layer.register_forward_hook(lambda module, given, out: seen.append(tuple(out.shape)))
class Many(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.layers = nn.ModuleList([layer])
        self.kind = kind
    def forward(self, x):
        return self.kind(self.layers[0](x))
many = Many(lambda x: x * scale)
scale = 2
functional = torch.nn.functional.relu
device, dtype, size = torch.device("cpu"), torch.float64, torch.Size([1, 2])
""",
    """
assert many.layers[0] is layer
many(torch.ones(3, 2))
assert seen == [(3, 2)] and functional is torch.nn.functional.relu and device == torch.device("cpu")
assert dtype is torch.float64 and size == torch.Size([1, 2]) and type(size) is torch.Size
scale = 0
assert many(torch.ones(1, 2)).abs().sum() == 0 and len(seen) == 2
""",
)
