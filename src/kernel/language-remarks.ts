/**
 * # Remarks of the type checker on a cell
 *
 * When its types are checked, a cell has run already or is running, so the findings are remarks,
 * not errors. Remarks that only say that a notebook is not a strict module are left out: a name
 * declared again, an assignment to a variable of another cell, a parameter without a type. A cell
 * that does not parse has no remarks, because running it already reports the error.
 */
import ts from 'typescript';
import type { CellProgram } from './language-program';

/** A remark on the cell; line and column count from 1, columns in UTF-16 units. */
export interface Remark {
  readonly line: number;
  readonly column: number;
  readonly text: string;
}

/** A name is declared again, in the cell itself or by an import. */
const REDECLARED = new Set([2300, 2395, 2440, 2451]);
/** An assignment to a variable of another cell, which the service sees as an import. */
const ASSIGNED_TO_IMPORT = 2632;

/** The remarks on a cell, in the order of its lines. */
export function remarks({ service, file, start }: CellProgram): Remark[] {
  if (service.getSyntacticDiagnostics(file).length > 0) return [];
  return service
    .getSemanticDiagnostics(file)
    .filter(({ category }) => category === ts.DiagnosticCategory.Error)
    .filter(({ code }) => !isFreedom(code))
    .flatMap(({ file: source, start: at, messageText }) => {
      if (source === undefined || at === undefined || at < start) return [];
      const { line, character } = source.getLineAndCharacterOfPosition(at);
      const text = ts.flattenDiagnosticMessageText(messageText, '\n');
      return [{ line, column: character + 1, text: text.replace(/\s*\n\s*/g, ' ') }];
    });
}

/** Codes 7000 to 7999 are about types that are implicitly `any`. */
const isFreedom = (code: number): boolean =>
  REDECLARED.has(code) || code === ASSIGNED_TO_IMPORT || (code >= 7000 && code < 8000);
