"""What is a date in a message and what is not: idle words never turn an ill person's message into a question about past policy."""

from __future__ import annotations

from datetime import date

import pytest

from bot import dates, languages
from bot.knowledge import Period

TODAY = date(2026, 11, 22)

# Illness, pregnancy, danger and papers, with words that a date dictionary takes for weekdays, months or days.
IDLE = {
    "en": (
        "my lawyer stopped in March",
        "my son is ill since monday",
        "i have pain since yesterday",
        "my baby is sick today",
        "he hit me last night",
        "i'm sick for 3 days",
        "is it safe now",
        "he fell on Sat and his leg is swollen",
        "we sat in the sun all day and she has a fever",
        "may i see a doctor",
        "my baby is due in May",
        "hospital bill from march",
        "my visa finished in March, can I see a GP",
        "i had surgery last month and it bleeds",
        "am overstayed 6 years now and my leg is paining me",
        "i am 22 years old and pregnant",
        "the hospital wants 2000 pounds",
        "i take 2000 mg a day",
        "second baby, 5 months pregnant",
        "mon",
        "sec",
        "now",
        "today",
    ),
    "am": ("ልጄ ከትናንት ጀምሮ ታሟል", "አሁን አመመኝ", "ዛሬ ዶክተር ማየት እችላለሁ", "ማክሰኞ ቀጠሮ አለኝ", "አምስት ወር ነፍሰጡር ነኝ", "lije kahun taammual"),
    "ar": (
        "ابني مريض من امس",
        "اليوم عندي حرارة",
        "الآن أنزف",
        "عندي موعد الثلاثاء",
        "انا حامل بالشهر السابع",
        "حامل في شهر 5",
        "لا احد يساعدني",
        "mon bebe mrid",
        "سقط حملي الشهر الماضي",
    ),
    "bn": (
        "মাসিক অনিয়মিত, গত মাসে হয়নি",
        "আমার বাচ্চা কাল থেকে অসুস্থ",
        "আজ পেটে ব্যথা",
        "এখন জ্বর",
        "সোম",
        "আমি আগে অসুস্থ ছিলাম",
        "bacha hobe june e",
        "mon kharap khub",
    ),
    "ckb": ("دوێنێوە منداڵەکەم نەخۆشە", "ئەمڕۆ سەرم دێشێت", "ئێستا خوێنم دێت", "نۆرەم هەیە بۆ دووشەممە", "پێنج مانگە دووگیانم"),
    "es": (
        "mi regla no baja en mayo",
        "mi bebe esta enfermo",
        "mi esposa embarazada",
        "a mi me duele",
        "hoy me duele la cabeza",
        "tengo fiebre desde ayer",
        "mi bebe nace en marzo",
        "mi hijo tiene tos hace 2 meses",
        "vivo enfermo desde hace dos años",
        "ahora sangro",
        "mi",
    ),
    "fa": (
        "من غیرقانونی هستم و ماه گذشته زایمان کردم",
        "بچه ام از دیروز مریض است",
        "امروز تب دارم",
        "الان خونریزی دارم",
        "شش ماهه حامله ام",
        "مهر",
        "چند سال پیش مریض شدم",
        "دوشنبه نوبت دارم",
    ),
    "fa_AF": ("مه مریض استم", "دیروز تب داشتم", "حالی شکمم درد میکنه", "سه شنبه نوبت دارم", "زنم حامله اس"),
    "fr": (
        "mes règles en mars",
        "d'accord, mon bébé est né en mai",
        "mon bebe est malade",
        "mon fils",
        "ma mere est enceinte",
        "mon mari me frappe",
        "mar",
        "sam",
        "j'ai mal depuis hier",
        "il y a 3 jours j'ai saigné",
        "mal au ventre depuis dimanche",
        "j'accouche en mai",
        "aujourd'hui",
    ),
    "hi": (
        "मेरा बच्चा कल से बीमार है",
        "आज बुखार है",
        "अब दर्द है",
        "मंगल",
        "मैं पाँच महीने की गर्भवती हूँ",
        "mai bimar hu",
        "mujhe mar raha hai",
        "pichle mahine chhati me dard hua tha",
    ),
    "pa": ("ਮੇਰਾ ਬੱਚਾ ਕੱਲ੍ਹ ਤੋਂ ਬਿਮਾਰ ਹੈ", "ਅੱਜ ਬੁਖਾਰ ਹੈ", "ਹੁਣ ਦਰਦ ਹੈ", "ਸੋਮ", "mai bimar han"),
    "pl": (
        "chcę umówić wizytę w maju",
        "nie mam papierów",
        "pt",
        "sob",
        "rodzę w maju",
        "źle się czuję od wczoraj",
        "teraz krwawię",
        "dziś boli mnie brzuch",
        "dziecko chore od poniedziałku",
        "sie zle czuje",
        "mój syn jest chory",
    ),
    "ps": ("زما ماشوم له پرونه ناروغ دی", "نن تبه لرم", "اوس درد لرم", "ماشوم می ناروغ دی", "په سر می درد دی"),
    "pt": (
        "quero ter um bebe",
        "ter medico",
        "sex",
        "seg",
        "qui",
        "dom",
        "hoje estou doente",
        "preciso ter um medico",
        "dor desde ontem",
        "vou ganhar neném em março",
        "agora estou a sangrar",
        "tosse há 2 meses",
    ),
    "ro": (
        "mi-e frica",
        "vin la doctor",
        "mie rau",
        "sunt bolnav de ieri",
        "azi am febra",
        "acum sangerez",
        "nasc in martie fara acte",
        "mi-a expirat viza in iunie",
        "lun",
        "sam",
    ),
    "ru": (
        "правильно ли пить таблетки, родила в мае",
        "мне плохо сегодня",
        "болит со вчерашнего дня",
        "сейчас кровь",
        "ср",
        "ребенок болеет с понедельника",
        "рожаю в мае",
        "виза закончилась в сентябре",
    ),
    "so": (
        "ilmahaygu wuu jiran yahay ilaa shalay",
        "maanta waan xanuunsanahay",
        "hadda dhiig baa iga socda",
        "lix bilood ayaan uur leeyahay",
        "sab",
        "isniin ballan ayaan leeyahay",
    ),
    "sq": (
        "pre",
        "die me dhimbte koka",
        "femija eshte semure qe dje",
        "tani kam dhimbje",
        "sot kam temperature",
        "jam shtatzene ne muajin e peste",
        "me mungon mami dhe jam mer",
        "hen",
    ),
    "ti": ("ወደይ ካብ ትማሊ ሓሚሙ", "ሎሚ ረስኒ ኣለኒ", "ሕጂ ደም ይፈስሰኒ ኣሎ", "ሰኑይ ቆጸራ ኣለኒ", "ሓሙሽተ ወርሒ ጥንስቲ እየ"),
    "tr": (
        "artık yaşamak istemiyorum, mayısta geldim",
        "hasta oldum dun",
        "bebeğim dünden beri hasta",
        "şimdi kanamam var",
        "bugün ateşim var",
        "per",
        "sal",
        "te",
        "beş aylık hamileyim",
        "pazartesi randevum var",
    ),
    "uk": (
        "зараз болить",
        "дитина хвора з понеділка",
        "сьогодні температура",
        "ср",
        "пн",
        "мені погано від вчора",
        "народжую в травні",
        "лист від лікаря",
    ),
    "ur": (
        "پیر میں درد",
        "میرا بچہ کل سے بیمار ہے",
        "اب خون آ رہا ہے",
        "آج بخار ہے",
        "پیر",
        "ہفتہ",
        "mera pair sun hai",
        "sun ho gaya hai",
        "میں پانچ ماہ کی حاملہ ہوں",
    ),
    "vi": (
        "luật sư tháng trước bỏ tôi",
        "tôi đi khám hôm nay",
        "con tôi sốt từ hôm qua",
        "bây giờ tôi đau bụng",
        "mai toi di kham",
        "em bầu tháng thứ 5",
        "tôi mang thai 5 tháng",
        "ngày tháng năm sinh",
        "hai con toi om",
    ),
    "zh_Hans": ("我孩子今天生病了", "现在流血", "从昨天开始肚子疼", "怀孕5个月了", "明天可以去吗", "一个月没来月经", "周三有预约", "他病了10年了"),
}

# What a person writes who asks what the rule was: a month and its year, the year, a past year, in the language's own words.
REAL = {
    "en": [
        ("what was the rule in Sept 2017", "2017-09"),
        ("the rule on 9 May 2018?", "2018-05-09"),
        ("what happened Nov 2018", "2018-11"),
        ("and in 2016?", "2016"),
        ("what was the rule last year", "2025"),
        ("what was the law two years ago", "2024"),
        ("what was the rule in May", "2026-05"),
        ("and in May?", "2026-05"),
        ("the rule in May last year", "2025-05"),
        ("the rule on Monday 9th of May 2018", "2018-05-09"),
        ("what was the policy three months ago", "2026-08"),
        ("rule on 11/9/2018", "2018-09-11"),
        ("rule in 05/2018", "2018-05"),
        ("May 9, 2018", "2018-05-09"),
        ("in twenty eighteen", "2018"),
    ],
    "am": [
        ("በ2018 ህጉ ምን ነበር", "2018"),
        ("ኖቬምበር 2018 ላይ ምን ለውጥ መጣ", "2018-11"),
        ("ባለፈው ዓመት ህጉ ምን ነበር", "2025"),
        ("ከሁለት ዓመት በፊት ህጉ ምን ነበር", "2024"),
        ("November 2018 min hone", "2018-11"),
    ],
    "ar": [
        ("ماذا كانت القاعدة في مايو 2018", "2018-05"),
        ("شو صار بمايو ٢٠١٨", "2018-05"),
        ("شو كانت القاعدة بشهر 3 سنة 2017", "2017-03"),
        ("ماذا كان القانون قبل عام 2017", "2017"),
        ("ماذا كان القانون السنة الماضية", "2025"),
        ("القاعدة قبل سنتين", "2024"),
        ("القانون في تشرين الثاني 2018", "2018-11"),
        ("chnou kan f mars 2017", "2017-03"),
        ("القاعدة في مايو", "2026-05"),
    ],
    "bn": [
        ("২০১৭ সালে কি নিয়ম ছিল", "2017"),
        ("মে ২০১৮ তে নিয়ম কি ছিল", "2018-05"),
        ("২০১৮ সালের মে মাসে নিয়ম কি ছিল", "2018-05"),
        ("গত বছর নিয়ম কি ছিল", "2025"),
        ("দুই বছর আগে নিয়ম কি ছিল", "2024"),
        ("মে মাসে নিয়ম কি ছিল", "2026-05"),
    ],
    "ckb": [
        ("یاساکە لە ٢٠١٨ چی بوو", "2018"),
        ("دوای نۆڤەمبەری ٢٠١٨ چی گۆڕا", "2018-11"),
        ("یاساکە لە ئایاری ٢٠١٨", "2018-05"),
        ("پارساڵ یاسا چی بوو", "2025"),
        ("دوو ساڵ لەمەوبەر یاسا چی بوو", "2024"),
    ],
    "es": [
        ("¿cuál era la regla en marzo de 2017?", "2017-03"),
        ("mi pregunta: la regla de mayo del 2018", "2018-05"),
        ("que paso en nov 2018", "2018-11"),
        ("sept 2017", "2017-09"),
        ("la regla el año pasado", "2025"),
        ("la regla hace dos años", "2024"),
        ("¿cuál era la regla en mayo?", "2026-05"),
        ("9 de mayo de 2018", "2018-05-09"),
    ],
    "fa": [
        ("قانون در مه ۲۰۱۸ چه بود", "2018-05"),
        ("قانون در نوامبر ۲۰۱۸", "2018-11"),
        ("سال 2017 چی شد", "2017"),
        ("پارسال قانون چی بود", "2025"),
        ("دو سال پیش قانون چی بود", "2024"),
        ("sale 2017 chetori bud", "2017"),
    ],
    "fa_AF": [("در سال ۲۰۱۷ قانون چی بود", "2017"), ("قانون در نومبر ۲۰۱۸", "2018-11"), ("دو سال پیش قانون چی بود", "2024")],
    "fr": [
        ("mai 2018 il s'est passé quoi", "2018-05"),
        ("mon ami, c'était quoi la règle en mars 2017", "2017-03"),
        ("sept 2017", "2017-09"),
        ("nov. 2018", "2018-11"),
        ("la règle l'année dernière", "2025"),
        ("la règle il y a deux ans", "2024"),
        ("la règle en mai", "2026-05"),
        ("le 9 mai 2018", "2018-05-09"),
        ("en deux mille dix-huit", "2018"),
    ],
    "hi": [
        ("मई 2018 में क्या नियम था", "2018-05"),
        ("2018 में क्या हुआ", "2018"),
        ("पिछले साल क्या नियम था", "2025"),
        ("दो साल पहले क्या नियम था", "2024"),
        ("nov 2018 me kya rule tha", "2018-11"),
        ("pichle saal kya niyam tha", "2025"),
        ("मई में क्या नियम था", "2026-05"),
    ],
    "pa": [("ਮਈ 2018 ਵਿੱਚ ਕੀ ਨਿਯਮ ਸੀ", "2018-05"), ("2018 ਚ ਕੀ ਹੋਇਆ ਸੀ", "2018"), ("ਪਿਛਲੇ ਸਾਲ ਕੀ ਨਿਯਮ ਸੀ", "2025"), ("ਦੋ ਸਾਲ ਪਹਿਲਾਂ ਕੀ ਨਿਯਮ ਸੀ", "2024")],
    "pl": [
        ("co się stało w maju 2018", "2018-05"),
        ("jak bylo w 2017", "2017"),
        ("zapisalam sie w 2017", "2017"),
        ("wrz 2017", "2017-09"),
        ("jaka była zasada w zeszłym roku", "2025"),
        ("jakie przepisy były dwa lata temu", "2024"),
        ("jakie były zasady w maju", "2026-05"),
        ("9 maja 2018 r.", "2018-05-09"),
    ],
    "ps": [
        ("په ۲۰۱۷ کی قانون څه و", "2017"),
        ("په نومبر ۲۰۱۸ کې قانون څه و", "2018-11"),
        ("تېر کال قانون څه و", "2025"),
        ("دوه کاله مخکې قانون څه و", "2024"),
    ],
    "pt": [
        ("qual era a regra em maio de 2018", "2018-05"),
        ("set 2017", "2017-09"),
        ("fev 2018", "2018-02"),
        ("e em 2017 como era", "2017"),
        ("a regra no ano passado", "2025"),
        ("a regra há dois anos", "2024"),
        ("qual era a regra em maio", "2026-05"),
    ],
    "ro": [
        ("care era regula în mai 2018", "2018-05"),
        ("ce zicea regula pe 1 ianuarie 2017", "2017-01-01"),
        ("nov 2018", "2018-11"),
        ("care era regula anul trecut", "2025"),
        ("care era regula acum doi ani", "2024"),
        ("care era regula în mai", "2026-05"),
    ],
    "ru": [
        ("какие были правила в мае 2018", "2018-05"),
        ("что было в 2017 году", "2017"),
        ("нояб 2018", "2018-11"),
        ("какие были правила в прошлом году", "2025"),
        ("какие были правила два года назад", "2024"),
        ("9 мая 2018 года", "2018-05-09"),
        ("какое было правило в мае", "2026-05"),
    ],
    "so": [
        ("2018 maxaa dhacay", "2018"),
        ("2017kii xeerku sidee ahaa", "2017"),
        ("Maajo 2018 sharcigu muxuu ahaa", "2018-05"),
        ("sannadkii hore sharcigu muxuu ahaa", "2025"),
        ("laba sano ka hor sharcigu muxuu ahaa", "2024"),
    ],
    "sq": [
        ("cili ishte rregulli në maj 2018", "2018-05"),
        ("n'dhjetor t'2016 cili ishte rregulli", "2016-12"),
        ("rregulli vitin e kaluar", "2025"),
        ("rregulli dy vjet më parë", "2024"),
        ("cili ishte rregulli në maj", "2026-05"),
    ],
    "ti": [
        ("ኣብ 2018 እንታይ ኮይኑ", "2018"),
        ("ኣብ ግንቦት 2018 ሕጊ እንታይ ነይሩ", "2018-05"),
        ("ዓሚ ሕጊ እንታይ ነይሩ", "2025"),
        ("ቅድሚ ክልተ ዓመት ሕጊ እንታይ ነይሩ", "2024"),
        ("ab may 2018 intay neyru", "2018-05"),
    ],
    "tr": [
        ("Mayıs 2018'de kural neydi", "2018-05"),
        ("2018de ne oldu", "2018"),
        ("2019 ocakta kural neydi", "2019-01"),
        ("geçen yıl kural neydi", "2025"),
        ("iki yıl önce kural neydi", "2024"),
        ("mayısta kural neydi", "2026-05"),
        ("ben 2015 te geldim", "2015"),
    ],
    "uk": [
        ("які правила були у травні 2018", "2018-05"),
        ("шо було у 2018", "2018"),
        ("які правила були минулого року", "2025"),
        ("які правила були два роки тому", "2024"),
        ("9 травня 2018 року", "2018-05-09"),
        ("які правила були в травні", "2026-05"),
    ],
    "ur": [
        ("مئی 2018 میں کیا قانون تھا", "2018-05"),
        ("۲۰۱۷ میں کیا ہوا تھا", "2017"),
        ("پچھلے سال کیا قانون تھا", "2025"),
        ("دو سال پہلے کیا قانون تھا", "2024"),
        ("2018 k baad kia tabdeeli ayi", "2018"),
        ("nov 2018 me kya rule tha", "2018-11"),
    ],
    "vi": [
        ("luật tháng 5 năm 2018 thế nào", "2018-05"),
        ("thang 5/2018", "2018-05"),
        ("ngày 9 tháng 5 năm 2018", "2018-05-09"),
        ("năm 2017 thì sao", "2017"),
        ("năm ngoái luật thế nào", "2025"),
        ("hai năm trước luật thế nào", "2024"),
        ("hồi tháng 5 luật thế nào", "2026-05"),
    ],
    "zh_Hans": [
        ("2018年5月发生了什么", "2018-05"),
        ("2018年五月的规定", "2018-05"),
        ("2018年5月9日", "2018-05-09"),
        ("2017年呢", "2017"),
        ("二零一六年的规定", "2016"),
        ("去年的规定是什么", "2025"),
        ("两年前的规定", "2024"),
        ("去年5月的规定", "2025-05"),
        ("2018年前的规定", "2018"),
    ],
}


def pairs(table: dict[str, list[tuple[str, str]]]) -> list[object]:
    return [pytest.param(language, text, period, id=f"{language}: {text}") for language, rows in table.items() for text, period in rows]


@pytest.mark.parametrize(
    ("language", "text"), [pytest.param(language, text, id=f"{language}: {text}") for language, texts in IDLE.items() for text in texts]
)
def test_an_idle_word_in_a_message_about_illness_is_no_date(language: str, text: str) -> None:
    assert dates.find(text, TODAY, language) == []


@pytest.mark.parametrize(("language", "text", "period"), pairs(REAL))
def test_the_date_of_a_question_about_policy_is_found(language: str, text: str, period: str) -> None:
    assert dates.find(text, TODAY, language) == [Period.parse(period)]


def test_every_language_has_sentences_on_both_sides() -> None:
    assert set(IDLE) == set(REAL) == set(languages.languages())


@pytest.mark.parametrize("language", languages.languages())
@pytest.mark.parametrize("month", range(1, 13))
def test_a_month_is_read_as_we_write_it(language: str, month: int) -> None:
    if language in ("am", "ti"):
        pytest.skip("written in the calendar of its speakers too: tests/test_calendars.py")
    assert dates.find(languages.in_words(Period.parse(f"2017-{month:02}"), language), TODAY, language) == [Period.parse(f"2017-{month:02}")]


@pytest.mark.parametrize("month", ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])
@pytest.mark.parametrize("language", languages.languages())
def test_english_short_forms_are_read_in_every_language(language: str, month: str) -> None:
    number = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].index(month) + 1
    assert dates.find(f"{month} 2017", TODAY, language) == [Period.parse(f"2017-{number:02}")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("between 2017 and 2019", ["2017", "2019"]),
        ("the rules between May and November 2018", ["2018-05", "2018-11"]),
        ("2017-2018", ["2017", "2018"]),
    ],
)
def test_two_dates_are_found_in_their_order(text: str, found: list[str]) -> None:
    assert dates.find(text, TODAY, "en") == [Period.parse(period) for period in found]


@pytest.mark.parametrize("text", ["the rule in 2031", "the rule in 1900", "what was the rule on 31.2.2018", "call 0161 496 2018 12"])
def test_no_date_is_made_up(text: str) -> None:
    assert "2018-02" not in [str(period.first)[:7] for period in dates.find(text, TODAY, "en")]
    if "2018" not in text:
        assert dates.find(text, TODAY, "en") == []
