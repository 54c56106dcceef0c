/**
 * # Answers to what Jupyter asks about the kernel and its cells
 *
 * Answers every request that does not run a cell: what the kernel is, completion and inspection,
 * whether a text is a complete cell, and what was run before.
 */
import { completeness } from './cell';
import { toCodePoints, toUtf16 } from './cursor';
import type { History } from './history';
import type { LanguageClient } from './language-client';
import { LANGUAGE_INFO } from './language-info';
import { type Content, PROTOCOL } from './wire';

const { version } = require('../../package.json') as { version: string };

const KERNEL_INFO = {
  status: 'ok',
  protocol_version: PROTOCOL,
  implementation: 'fisherlab',
  implementation_version: version,
  language_info: LANGUAGE_INFO,
  banner: `fisherlab ${version} · TypeScript on Node ${process.versions.node}`,
  debugger: false,
  supported_features: [],
  help_links: [],
};

export class Answers {
  constructor(
    private readonly language: LanguageClient,
    private readonly history: History,
  ) {}

  /** The content of a reply; null if there is no reply. */
  async to(type: string, content: Content): Promise<Content | null> {
    switch (type) {
      case 'kernel_info_request':
        return KERNEL_INFO;
      case 'complete_request':
        return this.complete(String(content.code), Number(content.cursor_pos));
      case 'inspect_request':
        return this.inspect(content);
      case 'is_complete_request': {
        const status = await completeness(String(content.code));
        return status === 'incomplete'
          ? { status, indent: indentOf(String(content.code)) }
          : { status };
      }
      case 'history_request':
        return { status: 'ok', history: this.history.answer(content) };
      case 'comm_info_request':
        return { status: 'ok', comms: {} };
      case 'interrupt_request':
        return { status: 'ok' };
      case 'shutdown_request':
        return { status: 'ok', restart: content.restart === true };
      default:
        return null; // comms, debugging: the kernel does not claim to support these
    }
  }

  private async complete(code: string, position: number): Promise<Content> {
    const cells = this.history.sources();
    const { matches, cursorStart, cursorEnd, metadata } = await this.language.complete(
      code,
      toUtf16(code, position),
      cells,
    );
    return {
      status: 'ok',
      matches,
      cursor_start: toCodePoints(code, cursorStart),
      cursor_end: toCodePoints(code, cursorEnd),
      metadata: metadata ?? {},
    };
  }

  private async inspect(content: Content): Promise<Content> {
    const code = String(content.code);
    const { found, data } = await this.language.inspect(
      code,
      toUtf16(code, Number(content.cursor_pos)),
      Number(content.detail_level ?? 0),
      this.history.sources(),
    );
    return { status: 'ok', found, data, metadata: {} };
  }
}

/** The indentation of the next line of an unfinished cell. */
function indentOf(code: string): string {
  const last =
    code
      .split('\n')
      .filter((line) => line.trim() !== '')
      .at(-1) ?? '';
  const indent = /^\s*/.exec(last)?.[0] ?? '';
  return /[{([]\s*$/.test(last) ? `${indent}  ` : indent;
}
