#!/bin/sh
# Install PyTorch for one Python:  deploy/install_torch.sh PYTHON [REQUIREMENT]
#
# On Linux, PyPI's torch brings CUDA: several gigabytes that a machine without an NVIDIA driver cannot use.
# There the CPU build comes from PyTorch's own index. If that index fails, pip takes torch where it takes all else.
#   An installed torch stays as it is.
#   A pip with an index or a folder of wheels of its own is left to it.
#   TORCH_INDEX=https://download.pytorch.org/whl/cu128  names another index, for a GPU.
set -eu

python=$1
torch=${2:-torch}
index=${TORCH_INDEX:-}
timeout_s=${TORCH_INDEX_TIMEOUT_S:-15}

has_torch() { "$python" -c 'from importlib.metadata import version; version("torch")' 2>/dev/null; }
has_own_index() { "$python" -m pip config list | grep -E '\.(index-url|extra-index-url|find-links|no-index)=' >/dev/null; }
has_nvidia_driver() { [ -e /proc/driver/nvidia/version ] || command -v nvidia-smi >/dev/null; }

if has_torch; then
    exit 0
fi
if [ -z "$index" ] && [ "$(uname -s)" = Linux ] && ! has_own_index && ! has_nvidia_driver; then
    index=https://download.pytorch.org/whl/cpu
fi
if [ -n "$index" ]; then
    if "$python" -m pip install -qq --timeout "$timeout_s" --retries 0 --index-url "$index" "$torch"; then
        exit 0
    fi
    echo "$index gave no $torch: taking it from pip's usual index, which may bring CUDA (gigabytes)" >&2
fi
exec "$python" -m pip install -qq "$torch"
