"""PyTorch's side of Tiny Shakespeare: the same characters, weights and settings as the other side, one order of steps at a time.

In (stdin, as pytorch.py reads it): the weights by their names in the model's text, then orders with tokens [T + 1, B] and a learning rate for each step. Out: the
loss of each step, and the time of all of them. Never chooses a batch or a rate.
"""

import time

import torch
from torch.nn import functional as F

from pytorch import receive, send, versions


class CharacterModel(torch.nn.Module):
    def __init__(self, weights, vocabulary, D, H):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, D)
        self.lstm = torch.nn.LSTM(D, H)
        self.read = torch.nn.Linear(H, vocabulary)
        gates = lambda letters: torch.cat([weights[f"h.{letters}{gate}"] for gate in "ifco"])
        with torch.no_grad():
            self.embedding.weight.copy_(weights["E"].view(vocabulary, D))
            self.lstm.weight_ih_l0.copy_(gates("Wx").view(4 * H, D))
            self.lstm.weight_hh_l0.copy_(gates("Wh").view(4 * H, H))
            self.lstm.bias_ih_l0.copy_(gates("b"))
            self.lstm.bias_hh_l0.zero_()
            self.read.weight.copy_(weights["Wy"].view(vocabulary, H))
            self.read.bias.copy_(weights["by"])
        self.lstm.bias_hh_l0.requires_grad_(False)

    def forward(self, tokens, state):
        h, state = self.lstm(self.embedding(tokens), state)
        return self.read(h), state


def main():
    message, weights = receive()
    torch.set_num_threads(message["threads"])
    T, B, vocabulary = message["T"], message["B"], message["vocabulary"]
    model = CharacterModel(weights, vocabulary, message["D"], message["H"])
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    # Adam with and without foreach differ by less than a part in a hundred on these six tensors.
    optimizer = torch.optim.Adam(trained, betas=(message["beta1"], message["beta2"]), eps=message["epsilon"], foreach=True)
    send(versions())
    state = None
    while True:
        message, arrays = receive()
        batches = arrays["tokens"].long().view(-1, T + 1, B)
        losses = torch.empty(len(batches))
        start = time.perf_counter()
        for n, (tokens, rate, carry) in enumerate(zip(batches, message["rates"], message["carry"])):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            logits, state = model(tokens[:T], tuple(part.detach() for part in state) if carry else None)
            loss = F.cross_entropy(logits.view(T * B, vocabulary), tokens[1:].reshape(T * B))
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, message["clip"])
            optimizer.step()
            losses[n] = loss.item()
        send({"ms": 1e3 * (time.perf_counter() - start)}, {"losses": losses})


if __name__ == "__main__":
    main()
