/**
 * `r.c` where the block that defines r has no c: what was probably meant.
 *
 * In: a name with a dot that leads nowhere. Out: one message. Copies of what is repeated are reached by their number, `h.2.c`.
 */
import type { Edit } from "../../support/diagnostic.ts";
import type { Span } from "../../support/source.ts";
import { nearestName } from "./functions.ts";
import type { Scope } from "./scope.ts";

export const lastPart = (path: string): string => path.slice(path.lastIndexOf(".") + 1);

/** E103, with the name that is there. */
export function reportNoInside(scope: Scope, name: string, span: Span): void {
  const { report, model, repeats } = scope.context;
  const host = name.slice(0, name.lastIndexOf("."));
  const numbered = /^(.*)\.(\d+)$/u.exec(host);
  const repetition = repeats.find(({ path }) => path === scope.prefix + (numbered?.[1] ?? host));
  const last = lastPart(name);
  const isIn = `${scope.prefix}${repetition && numbered ? numbered[1] : host}.`;
  const keys = [...model.values.keys()].filter((key) => key.startsWith(isIn)).map((key) => key.slice(scope.prefix.length));
  const whole = repetition ? `${numbered?.[1] ?? host}.${repetition.count}.${last}` : name;
  const near = repetition && keys.includes(whole) ? whole : nearestName(whole, keys);
  const copies = repetition && `${repetition.count} ${repetition.count === 1 ? "copy" : "copies"} of a block`;
  const text =
    repetition && numbered && Number(numbered[2]) > repetition.count
      ? `${numbered[1]} is made of ${copies}, so there is no ${numbered[2]}`
      : repetition && !numbered
        ? `${host} is the last of ${copies}, and what is inside is read from one of them, by its number`
        : keys.length > 0
          ? `the block that defines ${host} has no value ${last}`
          : `${host} is not defined by a block that is called`;
  report.error("E103", span, text, { label: "no such value", edit: near && !scope.site ? renameEdit(scope, span, name, near) : undefined });
}

/** The edit that puts another name in the place of one, with what follows it. */
export function renameEdit(scope: Scope, span: Span, name: string, near: string): Edit {
  const text = scope.context.report.quote(span);
  return { span, text: text.startsWith(name) ? near + text.slice(name.length) : near, label: near };
}
