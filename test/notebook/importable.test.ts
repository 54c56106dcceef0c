import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** tslab's own compiler; only what is used here of its interface, which is TypeScript's. */
// biome-ignore lint/suspicious/noExplicitAny: it has no types that TypeScript 5.9 reads
const ts: any = require('@tslab/typescript-for-tslab');

const ROOT = path.resolve(__dirname, '../..');
const files = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => path.join(ROOT, 'src', file));

describe('what a notebook imports from src', () => {
  it('is named file by file: tslab finds neither the index of a folder nor a name with a dot in it', () => {
    const lost = files.flatMap((file) => {
      const imports: { fileName: string }[] = ts.preProcessFile(
        readFileSync(file, 'utf8'),
      ).importedFiles;
      return imports
        .map(({ fileName }) => fileName)
        .filter((name) => name.startsWith('.') && path.extname(name) !== '.json')
        .filter(
          (name) =>
            path.extname(name) !== '' ||
            !existsSync(`${path.resolve(path.dirname(file), name)}.ts`),
        )
        .map((name) => `${path.relative(ROOT, file)} imports '${name}'`);
    });
    assert.deepEqual(lost, []);
  });

  it("compiles with tslab's TypeScript 5.0, without the types of the DOM", function () {
    this.timeout(300000);
    const options = {
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Node10,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts'],
      esModuleInterop: true,
      resolveJsonModule: true,
      declaration: true,
      skipLibCheck: true,
      allowJs: true,
      noEmit: true,
      typeRoots: [path.join(ROOT, 'node_modules/@types')],
      types: ['node'],
    };
    const program = ts.createProgram(files, options);
    const wrong = files.flatMap((file) => {
      const source = program.getSourceFile(file);
      const found = [
        ...program.getSyntacticDiagnostics(source),
        ...program.getSemanticDiagnostics(source),
      ];
      return found.map(
        (one) =>
          `${path.relative(ROOT, file)}: ${ts.flattenDiagnosticMessageText(one.messageText, ' ')}`,
      );
    });
    assert.deepEqual(wrong, []);
  });
});
