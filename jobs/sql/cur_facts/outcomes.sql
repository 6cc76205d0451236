-- What becomes of every line of a bill, whichever dialect it is of: a fact, or left out, or kept back with a reason.
--
-- Grain   one row per line of the file
-- Value   the dialect's columns, `reason` and `outcome`: fact, excluded or quarantined
-- Reads   lines (a dialect's SELECT: facts' columns, and has_cost, is_excluded, unreadable, amount, line), owners
--         (payer, account or '*' for the payer's other ones, is_mine; empty when nobody says whose accounts are)
-- Source  AWS account ids are 12 digits; EC2, the first service with a bill, opened in 2006
SELECT
    lines.*,
    CASE
        WHEN unreadable <> '' THEN 'cannot be read: ' || unreadable
        WHEN NOT has_cost THEN 'no cost'
        WHEN usage_start IS NULL THEN 'no usage start'
        WHEN usage_start < TIMESTAMP '2006-01-01' THEN 'usage start before 2006'
        WHEN usage_start > CAST($horizon AS TIMESTAMP) OR billing_period > left($horizon, 7)
            THEN 'later than a bill can be: after ' || left($horizon, 10)
        WHEN provider = 'aws' AND (payer_account_id GLOB '*[!0-9]*' OR account_id GLOB '*[!0-9]*')
            THEN 'account id is not a number'
        -- 1.23E+11 is what a spreadsheet leaves of a long number.
        WHEN provider <> 'aws' AND regexp_matches(concat(payer_account_id, ' ', account_id), '\b[0-9.]+[eE][+][0-9]+\b')
            THEN 'account id is rounded'
        WHEN NOT $has_owners OR coalesce(own.is_mine, others.is_mine, false) THEN NULL
        WHEN coalesce(own.is_mine, others.is_mine) IS NOT NULL THEN 'account of somebody else'
        WHEN payers.payer IS NULL THEN 'not one of the payers'
        ELSE 'account of nobody'
    END AS reason,
    CASE WHEN is_excluded THEN 'excluded' WHEN reason IS NOT NULL THEN 'quarantined' ELSE 'fact' END AS outcome
FROM lines
LEFT JOIN owners AS own ON own.payer = payer_account_id AND own.account = account_id
LEFT JOIN owners AS others ON others.payer = payer_account_id AND others.account = '*'
LEFT JOIN (SELECT DISTINCT payer FROM owners) AS payers ON payers.payer = payer_account_id
