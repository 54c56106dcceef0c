"""Jupyter's own suite for kernels, with samples in TypeScript. Run by conformance.test.ts."""

import unittest

import jupyter_kernel_test


class Fisherlab(jupyter_kernel_test.KernelTests):
    kernel_name = "fisherlab"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [
        {"text": "const fisher = { trace: 1 }; fisher.tr", "matches": ["trace"]},
        {"text": "Math.hypo", "matches": ["hypot"]},
    ]
    complete_code_samples = ["1", "const n: number = 1", "function f(x: number) {\n  return x;\n}", ""]
    incomplete_code_samples = ["function f() {", "const s = `text", "[1, 2", "for (const x of [1]) {\n"]
    invalid_code_samples = ["const 1a = 2", "import = 3", "let a b"]
    code_page_something = "page('a long text')"
    code_generate_error = "throw new Error('on purpose')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "const words: string[] = ['a', 'b']; words", "result": "[ 'a', 'b' ]"},
        {"code": "await Promise.resolve(3)", "result": "3"},
    ]
    code_display_data = [
        {"code": "import { display } from 'tslab'; display.html('<b>bold</b>')", "mime": "text/html"},
        {"code": "import { display } from 'tslab'; display.png(new Uint8Array(3))", "mime": "image/png"},
    ]
    code_history_pattern = "6 * ?"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.hypot"
    code_clear_output = "clearOutput()"


if __name__ == "__main__":
    unittest.main()
