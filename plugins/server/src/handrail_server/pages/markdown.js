// Markdown of a model as elements: only what gives text a shape. No image, no form, no style, no address but a link's.
import { marked } from "./vendor/marked.js";
import DOMPurify from "./vendor/purify.js";

const SHAPES = ["a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"];
const ALLOWED = { ALLOWED_TAGS: SHAPES, ALLOWED_ATTR: ["href", "start"], ALLOWED_URI_REGEXP: /^(https?|mailto):/i, RETURN_DOM_FRAGMENT: true };

// HTML that a model writes is shown as it is written.
marked.use({ gfm: true, breaks: true, renderer: { html: ({ text }) => escaped(text), image: ({ raw }) => escaped(raw) } });

export function rendered(text) {
  const fragment = DOMPurify.sanitize(marked.parse(text), ALLOWED);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return fragment;
}

function escaped(text) {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
