"""PyTorch as a peer of the bench: the workloads on one process's CPU, in the forms that PyTorch itself offers.

In (stdin): lines of JSON, a workload followed by the bytes of its arrays, then orders to measure. Out (stdout): lines of JSON, the results for the reference
followed by their bytes. Never decides what is compared. Where PyTorch users write a thing in several ways, every way is timed at the start and the fastest one
is used; the answer names it.
"""

import ctypes
import itertools
import json
import math
import sys
import time

import numpy
import torch
from torch.nn import functional as F

from pytorch_scan import SCANS

CHOOSE_SECONDS = 0.4


def receive():
    line = sys.stdin.buffer.readline()
    if not line:
        sys.exit(0)
    message = json.loads(line)
    arrays = {}
    for name, length in message.get("arrays", {}).items():
        arrays[name] = torch.from_numpy(numpy.frombuffer(sys.stdin.buffer.read(4 * length), numpy.float32).copy())
    return message, arrays


def send(message, arrays=None):
    flat = {name: numpy.ascontiguousarray(value.detach().numpy(), numpy.float32).reshape(-1) for name, value in (arrays or {}).items()}
    message["arrays"] = {name: value.size for name, value in flat.items()}
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n" + b"".join(value.tobytes() for value in flat.values()))
    sys.stdout.buffer.flush()


def versions():
    """Which PyTorch and which BLAS these are, and the kernels that OpenBLAS chose."""
    with open("/proc/self/maps", encoding="utf8") as maps:
        libraries = sorted({line.split()[-1] for line in maps if "blas" in line and ".so" in line})
    blas = next((name for name in libraries if "openblas" in name.rsplit("/", 1)[-1]), None)
    if blas is None:
        return {"torch": torch.__version__, "blas": libraries[0] if libraries else "unknown", "openblas": False}
    core = ctypes.CDLL(blas).openblas_get_corename
    core.restype = ctypes.c_char_p
    return {"torch": torch.__version__, "blas": f"OpenBLAS, kernels for {core().decode()}", "openblas": True}


def recurrent(kind, sizes, weights):
    """nn.LSTM or nn.GRU with the packed weights; the one bias of the LSTM is bias_ih, bias_hh stays zero and is not trained."""
    D, H = sizes["D"], sizes["H"]
    layer = (torch.nn.GRU if kind == "gru training" else torch.nn.LSTM)(D, H)
    gates = 3 if kind == "gru training" else 4
    with torch.no_grad():
        layer.weight_ih_l0.copy_(weights["Wx"].view(gates * H, D))
        layer.weight_hh_l0.copy_(weights["Wh"].view(gates * H, H))
        layer.bias_ih_l0.copy_(weights["bx" if "bx" in weights else "b"])
        layer.bias_hh_l0.copy_(weights["bh"] if "bh" in weights else torch.zeros(gates * H))
    if "bh" not in weights:
        layer.bias_hh_l0.requires_grad_(False)
    named = {"Wx": layer.weight_ih_l0, "Wh": layer.weight_hh_l0}
    named.update({"bx": layer.bias_ih_l0, "bh": layer.bias_hh_l0} if "bh" in weights else {"b": layer.bias_ih_l0})
    return layer, named


def fastest(ways):
    """The name of the way with the smallest time of a call."""
    times = {}
    for name, way in ways.items():
        way()
        began = time.perf_counter()
        best = math.inf
        while time.perf_counter() - began < CHOOSE_SECONDS:
            start = time.perf_counter()
            way()
            best = min(best, time.perf_counter() - start)
        times[name] = best
    return min(times, key=times.get)


def inference(sizes, inputs, weights):
    layer, _ = recurrent("lstm inference", sizes, weights)
    x = inputs["x"].view(sizes["T"], sizes["B"], sizes["D"]).numpy()

    def run():
        with torch.inference_mode():
            return layer(torch.from_numpy(x.copy()))[0]

    return "nn.LSTM", lambda: {"h": run()}, lambda: run().numpy()


def streaming(sizes, inputs, weights):
    B, D, H = sizes["B"], sizes["D"], sizes["H"]
    layer, _ = recurrent("lstm inference", sizes, weights)
    x = inputs["x"].view(1, B, D).numpy()
    flat = [layer.weight_ih_l0.detach(), layer.weight_hh_l0.detach(), layer.bias_ih_l0.detach(), layer.bias_hh_l0.detach()]
    state = {}

    def layer_step():
        h, state["layer"] = layer(torch.from_numpy(x.copy()), state["layer"])
        return h.numpy().copy()

    def cell_step():
        state["cell"] = torch.lstm_cell(torch.from_numpy(x[0].copy()), state["cell"], *flat)
        return state["cell"][0].numpy().copy()

    def restart():
        state["layer"] = (torch.zeros(1, B, H), torch.zeros(1, B, H))
        state["cell"] = (torch.zeros(B, H), torch.zeros(B, H))

    def alone(step):
        def run():
            with torch.inference_mode():
                return step()

        return run

    def many(step):
        def run():
            with torch.inference_mode():
                for _ in range(100):
                    step()

        return run

    restart()
    steps = {"nn.LSTM": layer_step, "lstm_cell": cell_step}
    name = fastest({way: many(step) for way, step in steps.items()})
    step = alone(steps[name])

    def check():
        restart()
        return {"h": torch.from_numpy(step())}

    return name, check, step


def network(kind, sizes, inputs, weights, way):
    """The loss as a function, the trained tensors by the names of the bench, the input whose gradient is wanted, and how gradients are laid out as the bench has
    them. Inputs are brought into the layout that the operations want before anything is timed."""
    T, B, D, H = (sizes[name] for name in "TBDH")
    x = inputs["x"].view(T, B, D)
    if kind in ("lstm training", "gru training"):
        layer, named = recurrent(kind, sizes, weights)
        x = x.requires_grad_()
        target = inputs["target"].view(T, B, H)
        return lambda: F.mse_loss(layer(x)[0], target), named, x, {}
    if kind == "adding":
        layer, named = recurrent(kind, sizes, weights)
        read = torch.nn.Linear(H, 1)
        with torch.no_grad():
            read.weight.copy_(weights["Wy"].view(1, H))
            read.bias.copy_(weights["by"])
        named.update({"Wy": read.weight, "by": read.bias})
        target = inputs["target"].view(B, 1)
        return lambda: F.mse_loss(read(layer(x)[0][-1]), target), named, None, {}
    if kind == "mingru training":
        w = torch.nn.Parameter(torch.cat([weights["Wz"], weights["Wh"]]).view(2 * H, D))
        b = torch.nn.Parameter(torch.cat([weights["bz"], weights["bh"]]))
        x = x.requires_grad_()
        target = inputs["target"].view(T, B, H)
        scan = SCANS[way]

        def loss():
            z, candidate = F.linear(x, w, b).chunk(2, -1)
            z = torch.sigmoid(z)
            return F.mse_loss(scan(1 - z, z * candidate), target)

        split = lambda part: lambda gradients: gradients[part].chunk(2, 0)
        parts = {"dWz": ("w", 0), "dWh": ("w", 1), "dbz": ("b", 0), "dbh": ("b", 1)}
        return loss, {"w": w, "b": b}, x, {name: (lambda g, of=of, i=i: split(of)(g)[i]) for name, (of, i) in parts.items()}
    if kind == "convolution":
        taps = weights["Wf"].numel() // (H * D)
        # tap 0 of the bench is now; conv1d correlates, so its last tap is now.
        kernel = lambda w: w.view(taps, H, D).flip(0).permute(1, 2, 0)
        w = torch.nn.Parameter(torch.cat([kernel(weights["Wf"]), kernel(weights["Wg"])]).contiguous())
        b = torch.nn.Parameter(torch.cat([weights["b"], weights["c"]]))
        x = x.permute(1, 2, 0).contiguous().requires_grad_()
        target = inputs["target"].view(T, B, H).permute(1, 2, 0).contiguous()
        loss = lambda: F.mse_loss(F.glu(F.conv1d(F.pad(x, (taps - 1, 0)), w, b), 1), target)
        back = lambda half: lambda g: g["w"].chunk(2, 0)[half].permute(2, 0, 1).flip(0)
        return loss, {"w": w, "b": b}, x, {
            "dWf": back(0),
            "dWg": back(1),
            "db": lambda g: g["b"].chunk(2)[0],
            "dc": lambda g: g["b"].chunk(2)[1],
            "dx": lambda g: g["x"].permute(2, 0, 1),
        }
    if kind == "attention":
        N = sizes["heads"]
        K = H // N
        w = torch.nn.Parameter(torch.cat([weights[name] for name in ("Wq", "Wk", "Wv")]).view(3 * H, D))
        o = torch.nn.Parameter(weights["Wo"].view(H, H).clone())
        x = x.transpose(0, 1).contiguous().requires_grad_()
        target = inputs["target"].view(T, B, H).transpose(0, 1).contiguous()
        mask = torch.full((T, T), -math.inf).triu(1)

        def loss():
            q, k, v = F.linear(x, w).view(B, T, 3, N, K).permute(2, 0, 3, 1, 4).unbind(0)
            weight = torch.baddbmm(mask.expand(B * N, T, T), q.reshape(-1, T, K), k.reshape(-1, T, K).transpose(1, 2), alpha=1 / math.sqrt(K))
            read = torch.bmm(torch.softmax(weight, -1), v.reshape(-1, T, K))
            return F.mse_loss(F.linear(read.view(B, N, T, K).transpose(1, 2).reshape(B, T, H), o), target)

        rows = {name: (lambda g, i=i: g["w"].chunk(3)[i]) for i, name in enumerate(("dWq", "dWk", "dWv"))}
        return loss, {"w": w, "o": o}, x, {**rows, "dWo": lambda g: g["o"], "dx": lambda g: g["x"].transpose(0, 1)}
    raise ValueError(kind)


def trainer(kind, sizes, inputs, weights, adam, way, foreach):
    loss_of, named, x, layouts = network(kind, sizes, {n: v.clone() for n, v in inputs.items()}, weights, way)
    optimizer = torch.optim.Adam(
        [value for value in named.values() if value.requires_grad],
        lr=adam["learningRate"],
        betas=(adam["beta1"], adam["beta2"]),
        eps=adam["epsilon"],
        foreach=foreach,
    )

    def differentiate():
        optimizer.zero_grad(set_to_none=True)
        if x is not None:
            x.grad = None
        loss = loss_of()
        loss.backward()
        return loss

    def step():
        loss = differentiate()
        optimizer.step()
        return loss.item()

    def check():
        loss = differentiate()
        gradients = {name: value.grad for name, value in named.items()}
        if x is not None:
            gradients["x"] = x.grad
        results = {f"d{name}": value for name, value in gradients.items()} if not layouts else {"dx": gradients["x"]}
        results.update({name: layout(gradients) for name, layout in layouts.items()})
        return {"loss": loss, **results}

    return check, step


def prepare(message, arrays):
    kind, sizes = message["kind"], message["sizes"]
    inputs = {name: arrays[name] for name in message["inputs"]}
    weights = {name: arrays[name] for name in message["weights"]}
    if kind == "lstm inference":
        return inference(sizes, inputs, weights)
    if kind == "lstm streaming":
        return streaming(sizes, inputs, weights)
    made, forms = {}, {}
    for way, foreach in itertools.product(SCANS if kind == "mingru training" else [""], [False, True]):
        name = f"{way + ', ' if way else ''}Adam {'foreach' if foreach else 'one by one'}"
        forms[name] = (way, foreach)
        made[name] = trainer(kind, sizes, inputs, weights, message["adam"], way, foreach)
    name = fastest({name: step for name, (_, step) in made.items()})
    return (name, *trainer(kind, sizes, inputs, weights, message["adam"], *forms[name]))


def main():
    message, arrays = receive()
    torch.set_num_threads(message["threads"])
    way, check, step = prepare(message, arrays)
    send({"way": way, **versions()}, check())
    while True:
        message, _ = receive()
        start, processor, steps = time.perf_counter(), time.process_time(), 0
        while True:
            step()
            steps += 1
            if 1e3 * (time.perf_counter() - start) >= message["measure"]:
                break
        wall = 1e3 * (time.perf_counter() - start) / steps
        send({"sample": wall, "processor": 1e3 * (time.process_time() - processor) / steps, "steps": steps})


if __name__ == "__main__":
    main()
