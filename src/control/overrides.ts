/** What the placeholders of an override template become. */
export interface Filling {
  readonly sessionId: string;
  readonly token: string;
  readonly host: string;
  readonly port: number;
}

/** A template of `vnc.ws` filled in: in a query `{id}` becomes the token, in a path the public session id. */
export function fillSocketTemplate(template: string, filling: Filling): string {
  return fill(template, filling);
}

/** A template of `vnc.http` filled in, with the token in the fragment, which reaches no server and no log. */
export function fillPageTemplate(template: string, filling: Filling): string {
  const url = fill(template, filling);
  return url.includes('#') ? url : `${url}#token=${filling.token}`;
}

function fill(template: string, { sessionId, token, host, port }: Filling): string {
  const queryAt = template.indexOf('?');
  const [path, query] = queryAt < 0 ? [template, ''] : [template.slice(0, queryAt), template.slice(queryAt)];
  const places = (text: string, id: string): string =>
    text.replaceAll('{id}', id).replaceAll('{host}', host).replaceAll('{port}', String(port));
  return places(path, sessionId) + places(query, token);
}
