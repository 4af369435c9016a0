"""Which CUDA device is there, and how its threads are shared out. Nothing is asked at import."""

BACKENDS = ("reference", "cpu", "cuda")
# What a block of threads may use without asking the driver for more.
SHARED_BYTES = 48 * 1024
WARP = 32


def check_backend(backend: str) -> None:
    """Raise ValueError if the backend is unknown, RuntimeError if it lacks its device."""
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is unknown; expected one of {', '.join(BACKENDS)}")
    if backend == "cuda":
        require_cuda()


def require_cuda() -> None:
    """Raise RuntimeError unless a CUDA device, or numba's simulator of one, can be used."""
    from numba import cuda

    if not cuda.is_available():
        raise RuntimeError(
            "backend='cuda' but no CUDA device is visible; check spark.task.resource.gpu.amount"
        )


def cuda_device_name() -> str:
    """Name of the device that kernels run on, such as "NVIDIA H200"; "simulator" without one."""
    from numba import config, cuda

    require_cuda()
    if config.ENABLE_CUDASIM:
        return "simulator"
    name = cuda.get_current_device().name
    return name.decode() if isinstance(name, bytes) else str(name)


def blocks_for(items: int, threads: int) -> int:
    """Blocks of so many threads that cover the items, one thread each."""
    return -(-items // threads)


def threads_that_fit(bytes_per_thread: int, *, at_most: int) -> int:
    """Threads of a block, in whole warps, that have so much shared memory each.

    Raises
    ------
    ValueError
        If not even one warp fits.
    """
    warps = min(at_most, SHARED_BYTES // bytes_per_thread) // WARP
    if warps < 1:
        raise ValueError(
            f"{bytes_per_thread} bytes per thread do not fit the shared memory of a block "
            f"({SHARED_BYTES} bytes for {WARP} threads); use fewer bins"
        )
    return warps * WARP
