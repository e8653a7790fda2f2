"""h[t] = a[t]·h[t-1] + b[t] in PyTorch, which has no scan of its own: the ways that its users take.

In: a, b of shape [T, B, H]. Out: h of the same shape, differentiable. Log space is not among them: it needs candidates that are never negative.
"""

import torch
from torch.nn import functional as F

CHUNK = 64


@torch.jit.script
def _step_forward(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    h = torch.empty_like(b)
    h[0] = b[0]
    for t in range(1, b.size(0)):
        torch.addcmul(b[t], a[t], h[t - 1], out=h[t])
    return h


@torch.jit.script
def _step_backward(a: torch.Tensor, dh: torch.Tensor) -> torch.Tensor:
    db = torch.empty_like(dh)
    T = dh.size(0)
    db[T - 1] = dh[T - 1]
    for n in range(T - 1):
        t = T - 2 - n
        torch.addcmul(dh[t], a[t + 1], db[t + 1], out=db[t])
    return db


class _Steps(torch.autograd.Function):
    @staticmethod
    def forward(context, a, b):
        h = _step_forward(a.contiguous(), b.contiguous())
        context.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(context, dh):
        a, h = context.saved_tensors
        db = _step_backward(a, dh.contiguous())
        return torch.cat([torch.zeros_like(db[:1]), db[1:] * h[:-1]]), db


def _chunked(a, b):
    """All chunks of CHUNK steps side by side from a zero state, then their last states one after the other, then the state before each chunk spread over it."""
    T, *shape = b.shape
    a, b = (v.reshape(-1, CHUNK, *shape).transpose(0, 1).contiguous() for v in (a, b))  # [CHUNK, T / CHUNK, B, H]
    decay, h = torch.empty_like(a), torch.empty_like(b)
    decay[0], h[0] = a[0], b[0]
    for t in range(1, CHUNK):
        torch.mul(a[t], decay[t - 1], out=decay[t])
        torch.addcmul(b[t], a[t], h[t - 1], out=h[t])
    before = torch.zeros_like(h[0])
    for n in range(1, before.size(0)):
        torch.addcmul(h[-1, n - 1], decay[-1, n - 1], before[n - 1], out=before[n])
    return h.addcmul_(decay, before).transpose(0, 1).reshape(T, *shape)


class _Chunks(torch.autograd.Function):
    @staticmethod
    def forward(context, a, b):
        h = _chunked(a, b)
        context.save_for_backward(a, h)
        return h

    @staticmethod
    def backward(context, dh):
        a, h = context.saved_tensors
        after = torch.cat([a[1:], torch.zeros_like(a[:1])])
        db = _chunked(after.flip(0), dh.flip(0)).flip(0)
        return torch.cat([torch.zeros_like(db[:1]), db[1:] * h[:-1]]), db


def _doubling(a, b):
    """Each round doubles how far back a state reaches; gradients by PyTorch."""
    reach = 1
    while reach < b.shape[0]:
        b = b + a * F.pad(b[:-reach], (0, 0, 0, 0, reach, 0))
        a = a * F.pad(a[:-reach], (0, 0, 0, 0, reach, 0))
        reach *= 2
    return b


SCANS = {"steps in a function of its own": _Steps.apply, "chunks in a function of their own": _Chunks.apply, "reach doubled each round": _doubling}
