-- Makes the table `customers` with :rows rows, always the same ones.
--
-- Integer arithmetic and fixed tables only (no random(), no locale, no floating point but one division by 100), so every machine and every
-- SQLite makes the same rows. Choices come from two Lehmer generators (L'Ecuyer 1988) that walk along with the id; products stay below 2^47.

.bail on
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;

-- Registrations by year, in per cent of all customers: the biggest year holds 34 times as many as the smallest.
CREATE TEMP TABLE year_share(position INTEGER PRIMARY KEY, year INTEGER, per_cent INTEGER);
INSERT INTO year_share VALUES
    (0, 2014, 1), (1, 2015, 2), (2, 2016, 2), (3, 2017, 3), (4, 2018, 4), (5, 2019, 6),
    (6, 2020, 34), (7, 2021, 18), (8, 2022, 11), (9, 2023, 8), (10, 2024, 6), (11, 2025, 5);

-- One row per per cent (0…99): its year, the first customer (from 0) of that year and how many that year has.
CREATE TEMP TABLE share(per_cent INTEGER PRIMARY KEY, position INTEGER, first INTEGER, size INTEGER);
WITH
    bounds AS (
        SELECT position, sum(per_cent) OVER (ORDER BY position) AS upper, per_cent FROM year_share
    ),
    ranges AS (
        SELECT position, upper - per_cent AS lower, upper,
               ((upper - per_cent) * :rows + 99) / 100 AS first, (upper * :rows + 99) / 100 AS next
        FROM bounds
    ),
    per_cents(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM per_cents WHERE n < 99)
INSERT INTO share
SELECT n, position, first, next - first FROM per_cents JOIN ranges ON n >= lower AND n < upper;

-- 365 days of each year (the last day of a leap year is left out), and the seconds of a day, as text.
CREATE TEMP TABLE calendar(day INTEGER PRIMARY KEY, text TEXT);
WITH days(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM days WHERE n < 12 * 365 - 1)
INSERT INTO calendar
SELECT n, date((SELECT year FROM year_share WHERE position = n / 365) || '-01-01', '+' || (n % 365) || ' days') FROM days;

CREATE TEMP TABLE clock(second INTEGER PRIMARY KEY, text TEXT);
WITH seconds(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM seconds WHERE n < 86399)
INSERT INTO clock
SELECT n, printf('T%02d:%02d:%02dZ', n / 3600, n / 60 % 60, n % 60) FROM seconds;

-- Where customers live, weighted by repetition over 32 slots; `names` points at the language's block of 16 names below.
CREATE TEMP TABLE home(slot INTEGER PRIMARY KEY, country TEXT, language TEXT, names INTEGER);
WITH weights(country, language, names, first, last) AS (
    VALUES ('DE', 'de', 0, 0, 7), ('AT', 'de', 0, 8, 9), ('CH', 'de', 0, 10, 10), ('CH', 'fr', 16, 11, 11),
           ('FR', 'fr', 16, 12, 15), ('GB', 'en', 32, 16, 18), ('IE', 'en', 32, 19, 19), ('US', 'en', 32, 20, 22),
           ('ES', 'es', 48, 23, 24), ('MX', 'es', 48, 25, 25), ('PL', 'pl', 64, 26, 27), ('TR', 'tr', 80, 28, 28),
           ('GR', 'el', 96, 29, 29), ('JP', 'ja', 112, 30, 30)
),
slots(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM slots WHERE n < 31)
INSERT INTO home
SELECT n, country, language, names FROM slots LEFT JOIN weights ON n BETWEEN first AND last;
-- Slot 31 is nobody's: those customers never told us their country, and are addressed in English.
UPDATE home SET language = 'en', names = 32 WHERE country IS NULL;

-- Given and family names, and how each is spelt in an e-mail address.
CREATE TEMP TABLE name(slot INTEGER PRIMARY KEY, given TEXT, given_mail TEXT, family TEXT, family_mail TEXT);
INSERT INTO name VALUES
    (0, 'Jürgen', 'juergen', 'Müller', 'mueller'), (1, 'Anna-Lena', 'anna-lena', 'Schäfer', 'schaefer'),
    (2, 'Sören', 'soeren', 'Groß', 'gross'), (3, 'Käthe', 'kaethe', 'von der Heide', 'vonderheide'),
    (4, 'Lukas', 'lukas', 'Weiß', 'weiss'), (5, 'Mia', 'mia', 'Schmidt', 'schmidt'),
    (6, 'Björn', 'bjoern', 'Köhler', 'koehler'), (7, 'Emma', 'emma', 'Meier-Lüdenscheidt', 'meier-luedenscheidt'),
    (8, 'Paul', 'paul', 'Hofmann', 'hofmann'), (9, 'Jörg', 'joerg', 'Krüger', 'krueger'),
    (10, 'Sophie', 'sophie', 'Huber', 'huber'), (11, 'Heinz', 'heinz', 'Bäcker', 'baecker'),
    (12, 'Ülkü', 'uelkue', 'Zöllner', 'zoellner'), (13, 'Marie', 'marie', 'Fuchs', 'fuchs'),
    (14, 'Günther', 'guenther', 'Öztürk', 'oeztuerk'), (15, 'Leonie', 'leonie', 'Wagner', 'wagner'),
    (16, 'Zoë', 'zoe', 'D''Artagnan', 'd.artagnan'), (17, 'François', 'francois', 'Lefèvre', 'lefevre'),
    (18, 'Hélène', 'helene', 'de l''Étoile', 'deletoile'), (19, 'Jean-René', 'jean-rene', 'Bœuf', 'boeuf'),
    (20, 'Chloé', 'chloe', 'Müntz', 'muntz'), (21, 'Anaïs', 'anais', 'Garçon', 'garcon'),
    (22, 'Noël', 'noel', 'Dupré', 'dupre'), (23, 'Amélie', 'amelie', 'L''Huillier', 'l.huillier'),
    (24, 'Gaëlle', 'gaelle', 'Bélanger', 'belanger'), (25, 'Théo', 'theo', 'Côté', 'cote'),
    (26, 'Inès', 'ines', 'Saint-Exupéry', 'saint-exupery'), (27, 'Loïc', 'loic', 'Martin', 'martin'),
    (28, 'Maëlys', 'maelys', 'Benoît', 'benoit'), (29, 'Rémi', 'remi', 'Hervé', 'herve'),
    (30, 'Brigitte', 'brigitte', 'Petit', 'petit'), (31, 'Cédric', 'cedric', 'Güell', 'guell'),
    (32, 'Siobhán', 'siobhan', 'O''Brien', 'o''brien'), (33, 'John', 'john', 'Smith', 'smith'),
    (34, 'Mary Ann', 'mary.ann', 'O''Connor', 'o''connor'), (35, 'Seán', 'sean', 'Mc Donagh', 'mcdonagh'),
    (36, 'Beyoncé', 'beyonce', 'D''Angelo', 'd''angelo'), (37, 'Renée', 'renee', 'Nguyễn', 'nguyen'),
    (38, 'X Æ A-12', 'x', 'Null', 'null'), (39, 'William', 'william', 'Smith-Jones', 'smith-jones'),
    (40, 'Oliver', 'oliver', 'St. John', 'stjohn'), (41, 'Amelia', 'amelia', 'Brontë', 'bronte'),
    (42, 'Dwayne "Rock"', 'dwayne', 'Johnson', 'johnson'), (43, 'Niamh', 'niamh', 'Ó Súilleabháin', 'osuilleabhain'),
    (44, 'Jo', 'jo', 'Ng', 'ng'), (45, 'Isla', 'isla', 'MacGregor', 'macgregor'),
    (46, 'T''Challa', 'tchalla', 'Washington', 'washington'), (47, 'Robert', 'robert', 'Jones Jr.', 'jones'),
    (48, 'José', 'jose', 'Núñez', 'nunez'), (49, 'María José', 'maria.jose', 'García Márquez', 'garcia'),
    (50, 'Íñigo', 'inigo', 'Peña', 'pena'), (51, 'Sofía', 'sofia', 'Ibáñez', 'ibanez'),
    (52, 'Andrés', 'andres', 'de la Cruz', 'delacruz'), (53, 'Lucía', 'lucia', 'Güiraldes', 'guiraldes'),
    (54, 'Ramón', 'ramon', 'Ordóñez', 'ordonez'), (55, 'Ángela', 'angela', 'Vázquez', 'vazquez'),
    (56, 'Óscar', 'oscar', 'Muñoz', 'munoz'), (57, 'Belén', 'belen', 'Yáñez', 'yanez'),
    (58, 'Jesús', 'jesus', 'Sáenz', 'saenz'), (59, 'Inés', 'ines', 'Castaño', 'castano'),
    (60, 'Pilar', 'pilar', 'López', 'lopez'), (61, 'Martín', 'martin', 'Etxeberría', 'etxeberria'),
    (62, 'Noé', 'noe', 'Zúñiga', 'zuniga'), (63, 'Rocío', 'rocio', 'Quiñones', 'quinones'),
    (64, 'Łukasz', 'lukasz', 'Wiśniewski', 'wisniewski'), (65, 'Małgorzata', 'malgorzata', 'Dąbrowska', 'dabrowska'),
    (66, 'Józef', 'jozef', 'Żółtowski', 'zoltowski'), (67, 'Zofia', 'zofia', 'Brzęczyszczykiewicz', 'brzeczyszczykiewicz'),
    (68, 'Paweł', 'pawel', 'Nowak', 'nowak'), (69, 'Agnieszka', 'agnieszka', 'Wójcik', 'wojcik'),
    (70, 'Grażyna', 'grazyna', 'Kamińska', 'kaminska'), (71, 'Michał', 'michal', 'Gąsienica', 'gasienica'),
    (72, 'Świętosława', 'swietoslawa', 'Pawłowska', 'pawlowska'), (73, 'Stanisław', 'stanislaw', 'Zając', 'zajac'),
    (74, 'Bożena', 'bozena', 'Król', 'krol'), (75, 'Błażej', 'blazej', 'Jabłoński', 'jablonski'),
    (76, 'Jagoda', 'jagoda', 'Ćwik', 'cwik'), (77, 'Rafał', 'rafal', 'Sęk', 'sek'),
    (78, 'Ola', 'ola', 'Mazur', 'mazur'), (79, 'Zdzisław', 'zdzislaw', 'Łoś', 'los'),
    (80, 'Çağla', 'cagla', 'Yılmaz', 'yilmaz'), (81, 'İbrahim', 'ibrahim', 'Şahin', 'sahin'),
    (82, 'Gökhan', 'gokhan', 'Çelik', 'celik'), (83, 'Işıl', 'isil', 'Öztürk', 'ozturk'),
    (84, 'Ömer', 'omer', 'Kılıç', 'kilic'), (85, 'Şule', 'sule', 'Doğan', 'dogan'),
    (86, 'Uğur', 'ugur', 'Aydın', 'aydin'), (87, 'Ayşe', 'ayse', 'Yıldız', 'yildiz'),
    (88, 'Barış', 'baris', 'Güneş', 'gunes'), (89, 'Tuğçe', 'tugce', 'Koç', 'koc'),
    (90, 'Ünal', 'unal', 'Erdoğan', 'erdogan'), (91, 'Elif', 'elif', 'Bozkurt', 'bozkurt'),
    (92, 'Çetin', 'cetin', 'Ünlü', 'unlu'), (93, 'Gül', 'gul', 'Işık', 'isik'),
    (94, 'Emre', 'emre', 'Kaya', 'kaya'), (95, 'Defne', 'defne', 'Ağaoğlu', 'agaoglu'),
    (96, 'Γιώργος', 'giorgos', 'Παπαδόπουλος', 'papadopoulos'), (97, 'Ελένη', 'eleni', 'Νικολαΐδου', 'nikolaidou'),
    (98, 'Αχιλλέας', 'achilleas', 'Οικονόμου', 'oikonomou'), (99, 'Ζωή', 'zoi', 'Ξένου', 'xenou'),
    (100, 'Κώστας', 'kostas', 'Δημητρίου', 'dimitriou'), (101, 'Μαρία', 'maria', 'Βασιλείου', 'vasileiou'),
    (102, 'Νίκος', 'nikos', 'Γεωργίου', 'georgiou'), (103, 'Ιφιγένεια', 'ifigeneia', 'Αγγέλου', 'angelou'),
    (104, 'Θανάσης', 'thanasis', 'Ψαρράς', 'psarras'), (105, 'Χλόη', 'chloi', 'Λάμπρου', 'lamprou'),
    (106, 'Πέτρος', 'petros', 'Σπύρου', 'spyrou'), (107, 'Δέσποινα', 'despoina', 'Ρήγα', 'riga'),
    (108, 'Άγγελος', 'angelos', 'Ηλιάδης', 'iliadis'), (109, 'Όλγα', 'olga', 'Καραγιάννη', 'karagianni'),
    (110, 'Σταύρος', 'stavros', 'Φωτίου', 'fotiou'), (111, 'Ευαγγελία', 'evangelia', 'Μακρή', 'makri'),
    (112, '健太', 'kenta', '佐藤', 'sato'), (113, '美咲', 'misaki', '鈴木', 'suzuki'),
    (114, 'ハルト', 'haruto', '高橋', 'takahashi'), (115, 'さくら', 'sakura', '田中', 'tanaka'),
    (116, '翔', 'sho', '渡邉', 'watanabe'), (117, '陽菜', 'hina', '伊藤', 'ito'),
    (118, '蓮', 'ren', '山本', 'yamamoto'), (119, '葵', 'aoi', '中村', 'nakamura'),
    (120, '大輔', 'daisuke', '小林', 'kobayashi'), (121, '結衣', 'yui', '加藤', 'kato'),
    (122, '誠', 'makoto', '𠮷田', 'yoshida'), (123, '愛', 'ai', '髙木', 'takagi'),
    (124, '拓海', 'takumi', '佐々木', 'sasaki'), (125, '凛', 'rin', '山﨑', 'yamazaki'),
    (126, '学', 'manabu', '林', 'hayashi'), (127, 'エマ', 'ema', '東海林', 'shoji');

-- What people type where a nickname is asked for. One customer in five has one; these are the texts that break careless programs.
CREATE TEMP TABLE nickname(slot INTEGER PRIMARY KEY, text TEXT);
INSERT INTO nickname VALUES
    (0, ''), (1, ' '), (2, 'NULL'), (3, 'line one' || char(10) || 'line two'), (4, 'carriage' || char(13, 10) || 'return'),
    (5, 'tab' || char(9) || 'bed'), (6, 'back\slash \n \u0041'), (7, '"quoted"'), (8, '''single'''),
    (9, 'Robert''); DROP TABLE customers;--'), (10, 'semi;colon,comma|pipe'), (11, '=1+1'), (12, '{"json": [1, 2]}'),
    (13, '<b>&amp;</b>'), (14, '👩🏽‍🚀 Zoë'), (15, 'e' || char(769) || 'cole'), (16, char(1) || 'control' || char(31)),
    (17, 'שלום عالم'), (18, char(8203) || char(65279) || 'zero width'), (19, '  padded  '), (20, '100 % $HOME ${HOME} `id`'),
    (21, '0123'), (22, '1e3'), (23, replace(hex(zeroblob(128)), '00', 'ñ!')), (24, 'ﬁnal ẞ İ ı'), (25, char(8232) || char(133) || 'separators'),
    (26, 'true'), (27, 'Zaphod'), (28, 'Lou'), (29, 'Bibi'), (30, 'Big J'), (31, 'The Doctor');

CREATE TABLE customers(
    id INTEGER PRIMARY KEY,
    registered TEXT NOT NULL,        -- a date; ids rise with it
    given_name TEXT NOT NULL,
    family_name TEXT NOT NULL,
    nickname TEXT,
    email TEXT,
    language TEXT NOT NULL,
    country TEXT,
    plan TEXT,
    newsletter INTEGER NOT NULL,     -- 0 or 1, as is the next
    partner_offers INTEGER NOT NULL,
    balance REAL,
    updated_at TEXT NOT NULL         -- UTC, never before `registered`
);

WITH RECURSIVE series(id, x, y) AS (
    SELECT 1, 20140101, 19880606
    UNION ALL
    SELECT id + 1, x * 40014 % 2147483563, y * 40692 % 2147483399 FROM series WHERE id < :rows
),
customer AS (
    SELECT *, position * 365 + (id - 1 - first) * 365 / size AS day
    FROM series CROSS JOIN share ON share.per_cent = (id - 1) * 100 / :rows
)
INSERT INTO customers
SELECT
    id,
    joined.text,
    given.given,
    family.family,
    nickname.text,
    CASE WHEN y / 7 % 50 > 0 THEN
        given.given_mail || '.' || family.family_mail || id || CASE x / 3 % 3 WHEN 0 THEN '@example.com' WHEN 1 THEN '@example.org' ELSE '@example.net' END
    END,
    language,
    country,
    CASE x / 11 % 20 WHEN 0 THEN 'business' WHEN 1 THEN NULL WHEN 2 THEN 'premium' WHEN 3 THEN 'premium' WHEN 4 THEN 'premium' ELSE 'basic' END,
    x / 13 % 2,
    y / 17 % 4 = 0,
    CASE x / 19 % 8 WHEN 0 THEN NULL WHEN 1 THEN y / 23 % 2500000 / 100.0 WHEN 2 THEN -(y / 23 % 20000) / 100.0 ELSE 0.0 END,
    changed.text || clock.text
FROM customer
CROSS JOIN calendar AS joined ON joined.day = customer.day
CROSS JOIN calendar AS changed ON changed.day = customer.day + x / 29 % 4380 * (4379 - customer.day) / 4380
CROSS JOIN clock ON clock.second = y / 31 % 86400
CROSS JOIN home ON home.slot = y % 32
CROSS JOIN name AS given ON given.slot = home.names + x % 16
CROSS JOIN name AS family ON family.slot = home.names + x / 16 % 16
LEFT JOIN nickname ON nickname.slot = y / 37 % 160;
