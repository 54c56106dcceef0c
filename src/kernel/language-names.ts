/**
 * # Names inside strings
 *
 * Data sets, detectors, features and models are called by name: `dataset('mnist')`. The functions
 * take any string, because for an unknown name they give a better message than a type error. So
 * this file lists which names fit where, by the parameter or property that the string is for.
 *
 * The names themselves are mostly not listed here: they are the members of a type in the current
 * program, so a detector added a minute ago is offered too. Names of models are names of files.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import type { CellProgram } from './language-program';

/** Types whose members are the names, by the room that has them. */
const TYPES = {
  dataSet: (room: string) => `import('${room}/data/index').DataSetName`,
  split: (room: string) => `import('${room}/data/index').Split`,
  detector: (room: string) => `keyof typeof import('${room}/detectors/index').DETECTORS`,
  combiner: (room: string) => `keyof typeof import('${room}/detectors/index').COMBINERS`,
  family: (room: string) => `import('${room}/models/index').PaperFamily`,
} as const;

/** Names that are not members of a type. A test compares them with those of the program. */
export const LISTED = {
  feature: [
    'log-likelihood',
    'squared-norm',
    'one-norm',
    'maximum',
    'random-projections',
    'cosine-with-mean',
    'damped-fisher-norm',
    'diagonal-fisher-norm',
    'kronecker-fisher-norm',
    'log-prior',
    'log-determinant',
    'posterior-cross-entropy',
    'posterior-entropy',
    'divergence',
    'distortion',
    'complexity-bits',
    'likelihood-regret',
    'score-norm',
    'background-log-likelihood',
    'input-gradient-norm',
    'pixel-statistic',
  ],
  representation: ['RGB→HSV', 'RGB→HSL', 'RGB→CIELAB', 'RGB→YCbCr'],
} as const;

type List = keyof typeof TYPES | keyof typeof LISTED | 'model';

/**
 * Which names fit where. A key is `function.parameter`, `Interface.property`, or the name of any
 * parameter or property. The longer form is tried first.
 */
const PLACES: Readonly<Record<string, List>> = {
  'dataset.name': 'dataSet',
  'dataSet.name': 'dataSet',
  'download.name': 'dataSet',
  'find.name': 'dataSet',
  'labelOf.name': 'dataSet',
  'colourOf.name': 'dataSet',
  'referenceImages.name': 'dataSet',
  'setsFor.own': 'dataSet',
  'detector.name': 'detector',
  'combiner.name': 'combiner',
  'loadModel.nameOrPath': 'model',
  'shippedResults.model': 'model',
  'shippedAblations.model': 'model',
  'LoadedModel.name': 'model',
  'Representation.name': 'representation',
  split: 'split',
  sets: 'dataSet',
  in: 'dataSet',
  out: 'dataSet',
  method: 'detector',
  methods: 'detector',
  feature: 'feature',
  features: 'feature',
  family: 'family',
};

const LISTS_FILE = '.lists.ts';

/**
 * A file with the types whose members are the names. It is part of the program, so the service can
 * evaluate them.
 */
export function listsFile(root: string, folder: string): [name: string, text: string] {
  const room = path.join(root, 'src');
  const lines = Object.entries(TYPES).map(([list, type]) => `export type ${list} = ${type(room)};`);
  return [path.join(folder, LISTS_FILE), lines.join('\n')];
}

/** The names that fit into a string in a cell; none if nothing is known about it. */
export function namesFor(
  root: string,
  program: CellProgram,
  literal: ts.StringLiteralLike,
): string[] {
  const checker = program.service.getProgram()?.getTypeChecker();
  const keys = checker === undefined ? [] : placesOf(literal, checker);
  const list = keys
    .map((key) => (Object.hasOwn(PLACES, key) ? PLACES[key] : undefined))
    .find(Boolean);
  if (list === undefined) return [];
  if (list === 'model') return modelNames(root);
  if (list in LISTED) return [...LISTED[list as keyof typeof LISTED]];
  return namesOfType(program, list);
}

/** The shipped models: files of one folder. */
function modelNames(root: string): string[] {
  try {
    const files = readdirSync(path.join(root, 'data', 'models'));
    return files
      .filter((file) => file.endsWith('.safetensors'))
      .map((file) => path.parse(file).name);
  } catch {
    return []; // a clone without its weights
  }
}

function namesOfType({ service, file }: CellProgram, list: string): string[] {
  const program = service.getProgram();
  const source = program?.getSourceFile(path.join(path.dirname(file), LISTS_FILE));
  const alias = source?.statements.find(
    (one): one is ts.TypeAliasDeclaration =>
      ts.isTypeAliasDeclaration(one) && one.name.text === list,
  );
  if (program === undefined || alias === undefined) return [];
  const type = program.getTypeChecker().getTypeFromTypeNode(alias.type);
  return (type.isUnion() ? type.types : [type]).flatMap((one) =>
    one.isStringLiteral() ? [one.value] : [],
  );
}

/** What a string is for, as keys of `PLACES`, the most specific first. */
function placesOf(literal: ts.StringLiteralLike, checker: ts.TypeChecker): string[] {
  const value = ts.isArrayLiteralExpression(literal.parent) ? literal.parent : literal;
  const { parent } = value;
  if (ts.isCallExpression(parent)) {
    const signature = checker.getResolvedSignature(parent);
    const position = parent.arguments.indexOf(value);
    const parameter = signature?.parameters[Math.min(position, signature.parameters.length - 1)];
    return parameter === undefined || position < 0 ? [] : keysOf(parameter);
  }
  if (ts.isPropertyAssignment(parent) && ts.isObjectLiteralExpression(parent.parent)) {
    const property = checker.getContextualType(parent.parent)?.getProperty(parent.name.getText());
    return property === undefined ? [] : keysOf(property);
  }
  if (ts.isBinaryExpression(parent)) {
    const other = parent.left === value ? parent.right : parent.left;
    const compared = checker.getSymbolAtLocation(
      ts.isPropertyAccessExpression(other) ? other.name : other,
    );
    return compared === undefined ? [] : keysOf(compared);
  }
  return [];
}

/** `owner.name` and `name` of a parameter or property; nothing for those of packages. */
function keysOf(symbol: ts.Symbol): string[] {
  const declaration = symbol.declarations?.[0];
  if (declaration === undefined || declaration.getSourceFile().fileName.includes('/node_modules/'))
    return [];
  const { parent } = declaration;
  const owner =
    ts.isArrowFunction(parent) || ts.isFunctionExpression(parent) ? parent.parent : parent;
  const name = (owner as Partial<ts.NamedDeclaration>).name;
  return [...(name === undefined ? [] : [`${name.getText()}.${symbol.name}`]), symbol.name];
}
