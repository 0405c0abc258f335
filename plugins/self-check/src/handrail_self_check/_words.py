"""The words of a judge's answer in six languages: English, German, French, Spanish, Chinese, Japanese.

All that allows is in these tables, so a word that is missing can block and never let pass.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

Sense: TypeAlias = Literal["allow", "block"]


def vocabulary(words: str) -> frozenset[str]:
    """Make a set of words, or of phrases that commas part."""
    return frozenset(word.strip().casefold() for word in (words.split(",") if "," in words else words.split()))


YES = vocabulary("yes yeah yep true y ja oui vrai sí verdadero 是 是的 对 真 はい 真です")
NO = vocabulary("no nope false n nein non faux falso 否 不 不是 假 いいえ いえ 偽")


SAFE = vocabulary(
    "safe, not blocked, do not block, not flagged, not harmful, not unsafe, no violation, no violations, "
    "allow, allowed, harmless, unharmful, compliant, acceptable, permitted, sicher, unbedenklich, erlaubt, "
    "zulässig, sûr, autorisé, inoffensif, seguro, permitido, inofensivo, 安全, 允许, 合规, 安全です, 許可"
)
UNSAFE = vocabulary(
    "unsafe, not safe, harmful, block, blocked, disallow, disallowed, not allowed, flag, flagged, violation, "
    "unsicher, nicht sicher, blockieren, gesperrt, nicht erlaubt, unzulässig, dangereux, pas sûr, bloquer, bloqué, "
    "interdit, inseguro, no seguro, bloquear, bloqueado, no permitido, 不安全, 有害, 屏蔽, 禁止, 违规, "
    "危険, 有害です, 安全ではない"
)
SUPPORTED = vocabulary(
    "supported, grounded, entailed, entailment, faithful, gestützt, belegt, étayé, fondé, respaldado, fundado, "
    "有依据, 支持, 根拠あり"
)
UNSUPPORTED = vocabulary(
    "unsupported, not supported, ungrounded, not grounded, not entailed, contradiction, contradicted, hallucination, "
    "hallucinated, unfaithful, nicht gestützt, nicht belegt, widerspruch, non étayé, contradiction, no respaldado, "
    "contradicción, 无依据, 不支持, 矛盾, 根拠なし"
)

ANSWER = vocabulary(
    "answer verdict decision result conclusion judgment judgement determination ruling json antwort urteil "
    "entscheidung ergebnis réponse verdict décision résultat respuesta veredicto decisión resultado "
    "答案 回答 最终答案 结论 判断 答え 判定 結論 結果"
)
"""What a preface or a label calls the answer itself; `Answer: No`."""

TOPIC = vocabulary("safety rating assessment classification status sicherheit sécurité seguridad 安全性 评级 評価")
"""Labels behind which only a word that speaks for itself is read: `Safety: safe`, but not `Safety: no`."""

ASKS_TO_BLOCK = vocabulary(
    "block blocked blocking flag flagged reject rejected refuse refused unsafe disallow disallowed violate violates "
    "violated violation violations blockieren blockiert sperren gesperrt ablehnen unsicher bloquer bloquée bloqué "
    "rejeter bloquear bloqueado bloqueada rechazar inseguro 屏蔽 是否屏蔽 拦截 是否拦截 不安全 "
    "ブロック ブロックすべき 拒否"
)
ASKS_TO_ALLOW = vocabulary(
    "allow allowed safe acceptable appropriate compliant comply complies permitted harmless approved sicher erlaubt "
    "zulässig autorisé autorisée autoriser permitir permitido permitida 允许 是否允许 安全 是否安全 許可"
)
ASKS_FOR_SUPPORT = vocabulary(
    "support supported supports ground grounded entail entailed entails entailment faithful factual accurate "
    "consistent gestützt belegt étayé étayée fondé respaldado respaldada 支持 是否支持 有依据 支持されている"
)
"""Words of a label or an echoed question, one of which says what its yes means."""

ASIDE = vocabulary(
    "here is are this the my our a an final short own to your it in as of i say therefore thus so sure ok okay "
    "certainly based on given following format policy policies company rules guidelines requested "
    "hier ist die das der meine mein lautet endgültige voici ma mon la le est finale aquí está mi el es final "
    "以下 我的 是 以下は です 私の"
)
"""Words that are allowed around these, in a preface."""

QUESTION = ASIDE | vocabulary(
    "should must shall need needs does do did be being been has have that these those any message answer response "
    "reply passage text content input output conversation user users bot bots assistant assistants model models "
    "hypothesis evidence statement claim by with for from please "
    "soll sollte muss diese dieser dieses nachricht antwort werden wird doit être ce cette message "
    "réponse debe debería ser este esta mensaje respuesta 吗 应 应该 この メッセージ"
)
"""Words that are allowed around these, in an echo of the question."""

SENTENCE = vocabulary(
    "there any contain contains and was were moderation rule term terms guideline "
    "sie er es wir und eine einen einer enthält gegen elle il se et contient los las un una y contiene"
)
"""Words that are allowed, besides these and negations, where an answer is said again in a sentence."""

REASON = vocabulary(
    "reason reasons reasoning explanation rationale justification why because grund gründe begründung erklärung "
    "raison raisons explication justification razón razones motivo explicación justificación "
    "理由 原因 解释 说明 根拠 説明"
)
"""Labels of an explanation, and keys of one in JSON."""

NEGATORS = vocabulary(
    "no not never none nothing neither nor without cannot free nicht kein keine keinen keinem keiner keinerlei ohne "
    "nichts weder pas aucun aucune ne sans rien ni ningún ninguna ninguno sin nada nunca"
)
DOUBT = vocabulary(
    "but however although though yet still nevertheless nonetheless except unless if maybe perhaps possibly "
    "potentially probably likely unlikely might may could would unclear uncertain unsure ambiguous depends depending "
    "arguably mostly partly partially somewhat largely generally borderline debatable actually wait instead rather "
    "otherwise correction undecided undetermined inconclusive tbd double-check double-checked unverifiable doubtful "
    "dubious hmm sorry sure guess think doubt despite until provided assuming while whereas "
    "aber jedoch allerdings obwohl dennoch trotzdem außer wenn falls vielleicht möglicherweise eventuell "
    "wahrscheinlich vermutlich könnte dürfte unklar unsicher teilweise größtenteils meist sondern doch eigentlich "
    "mais cependant toutefois pourtant néanmoins sauf si peut-être probablement possiblement pourrait "
    "incertain ambigu dépend partiellement plutôt sinon quoique "
    "pero embargo aunque salvo excepto quizá quizás tal posiblemente probablemente podría incierto "
    "dudoso depende parcialmente sino mientras "
    "però tuttavia forse porém talvez maar echter misschien jednak może kanske"
)
"""Words with which an explanation limits or takes back what it explains."""

BLOCKING = vocabulary(
    "unsafe block blocked flag flagged reject rejected harmful violate violates violated violating violation "
    "violations inappropriate offensive dangerous toxic malicious abusive hateful illegal prohibited forbidden "
    "disallowed unacceptable violence violent racist racism sexist sexism obscene profane profanity slur slurs "
    "harassment hatred unethical unlawful bomb bombs explosives weapon weapons self-harm suicide breaks broke breach "
    "breaches breached insult insults insulting threat threats threatens hate terrorism terrorist extremism extremist "
    "spam swear swearing cursing unsuitable unfit improper indecent rude vulgar explicit disrespectful demeaning "
    "demeans degrading discriminatory defamatory misinformation disinformation jailbreak injection leaks leaked "
    "sensitive confidential "
    "nsfw porn pornography pornographic sexual nudity gore kill kills killing murder poison poisons poisoning hack "
    "hacking malware phishing fraud scam drugs napalm explosive illicit criminal removed deleted withheld censored "
    "escalate escalated problematic questionable risky against contrary forbids prohibits banned contravenes fails "
    "bombe gewalt hass drogen waffe waffen töten verboten illégal illégale haine drogue drogues arme armes tuer "
    "ilegal ilegales violencia odio droga drogas arma armas matar prohibido bomba blockieren blockiert gefährlich "
    "verletzt verstößt schädlich beleidigend beleidigung dangereux dangereuse bloquer bloqué nuisible enfreint viole "
    "insulte peligroso peligrosa bloquear bloqueado dañino dañina infringe viola insulto inseguro"
)
"""Words that contradict an answer which allows, where an explanation says them without a negation before."""

REFUTING = vocabulary(
    "unsupported ungrounded wrong incorrect inaccurate inconsistent contradicts contradict contradicted "
    "different differs differ missing lacks lack absent silent untrue false unverified unproven unfounded only "
    "contradiction hallucinated hallucination fabricated misleading beyond adds exaggerates exaggerated overstates "
    "overstated misstates misrepresents invented invents unrelated irrelevant additional extra falsch "
    "widerspricht contredit contradice"
)
"""The same where an answer says that a text is supported."""

WELCOMING = (
    ASKS_TO_ALLOW
    | ASKS_FOR_SUPPORT
    | vocabulary(
        "allows suitable fine ok okay good send sent shown displayed delivered published passed pass help assist "
        "correct true right verified decide determine tell judge evaluate assess angemessen akzeptabel "
        "senden gezeigt richtig sûr sûre acceptable approprié envoyer montré exact correct "
        "seguro segura apto apropiado apropiada aceptable enviar mostrar correcto"
    )
)
"""Words that contradict an answer which allows, where an explanation says them with a negation before."""

EVIDENCE = vocabulary(
    "evidence source sources document documents context passage mention mentions mentioned state states stated say "
    "says said confirm confirms confirmed contain contains contained find found appear appears given include includes "
    "included"
)
"""Words that contradict an answer which says that a text is supported, where an explanation denies them."""

UNSPACED = vocabulary(
    "但 不过 然而 可能 也许 或许 大概 除非 如果 取决 不确定 部分 不安全 有害 危险 违反 违规 屏蔽 错误 矛盾 "
    "审核 复核 待定 难以 无法 不知道 谨慎 要確認 確認が必要 レビュー 慎重 わかりません 分かりません 判断でき "
    "不应 不能 不可 不要 不合 炸弹 仇恨 色情 非法 违法 毒品 武器 恐怖 歧视 侮辱 自杀 杀人 杀害 "
    "しかし ただし だが けれど でも もし 場合 たぶん おそらく かもしれ 可能性 不明 一部 危険 有害 違反 ブロック 誤り "
    "爆弾 違法 殺人 殺害 差別 自殺 薬物 テロ "
    "べきではない べきでない できません 安全ではない 適切ではない"
)
"""What does either in scripts that put no space between words, where no negation is looked for."""

DEFERRING = vocabulary(
    "needs need requires require required pending awaiting await awaits see refer refers referred escalate escalated "
    "send sent ask check checked verify verified review reviewed consult consider flag flagged forward please let "
    "better best proceed use treat handle wait hold held defer deferred leave limit limited insufficient incomplete "
    "missing lacks more further additional low medium moderate high confidence certainty likelihood probability score "
    "risk severity rating hard difficult tough impossible unable cannot can't couldn't tbd tba unsure note warning "
    "caution attention careful beware remember do don't never always make be add remove edit revise rewrite redact "
    "mask replace block allow stop continue try get give tell warn report apply follow act keep watch monitor ignore "
    "disregard forget override changed change edited update updated second my who "
    "why raises sort kind too unknown error reveals adult graphic off withhold deny denied decline scratch strike typo "
    "reversed not affirmative correct redacted "
    "bitte prüfen prüfe siehe ausstehend offen braucht benötigt erfordert schwer schwierig unmöglich "
    "vérifier voir attente nécessite besoin difficile impossible veuillez "
    "revisar ver pendiente requiere necesita difícil imposible"
)
"""Words with which a sentence begins that puts the answer off, or asks somebody for something."""

BROKEN_OFF = vocabulary(
    "a an the is are was were of and or but because which how with for its your their if when whether than der die "
    "das und oder dass le les et ou el los las y wants asks contains to some"
)
"""Words with which no explanation ends, unless it breaks off."""

NO_REASON = vocabulary("n a, none, nothing")
"""What stands for a reason where there is none to give: `N/A`."""
