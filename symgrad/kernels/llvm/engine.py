"""Compiling vector code for the processor at hand, and calling it without the interpreter lock."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

REGISTERS = 2  # vector registers in a group of lanes: while one waits for a result, the other computes


@cache
def available() -> bool:
    """Return whether llvmlite is installed (the extra "fast")."""
    return find_spec("llvmlite") is not None


@cache
def lanes() -> int:
    """Return how many points are computed together on this processor."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    width = 8 if features.get("avx512f") else 4 if features.get("avx") else 2
    return REGISTERS * width


@dataclass(frozen=True)
class Compiled:
    """A compiled function and the engine that owns its code; calling the function releases the interpreter lock."""

    function: Callable[..., None]
    engine: Any


def compile_text(text: str) -> Compiled:
    """Compile a module whose function ``run`` takes four pointers and six whole numbers.

    Only passes that matter for straight vector code are run, as compiling is part of the first call.
    """
    import llvmlite.binding as llvm

    lanes()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=2
    )
    module = llvm.parse_assembly(text)
    passes = llvm.create_new_function_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_new_gvn_pass()
    passes.add_dead_code_elimination_pass()
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(speed_level=2))
    passes.run(module.get_function("run"), builder)
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4, *[ctypes.c_int64] * 6)
    return Compiled(kind(engine.get_function_address("run")), engine)
