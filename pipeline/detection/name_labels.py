"""The words behind which a name stands: labels of forms, introductions, greetings, farewells."""

from pipeline.detection.gazetteer import listed

FIRST_OR_LAST = listed("""
first_name firstname given_name given_names middle_name last_name lastname surname family_name maiden_name forename
vorname nachname familienname geburtsname prénom prénoms nom_de_famille apellido apellidos primer_apellido
segundo_apellido nombre_de_pila nombres cognome sobrenome apelido nome_próprio voornaam achternaam imię imiona
nazwisko nazwisko_rodowe
""")
# In groups, since Hyperscan refuses all of them in one expression.
WHOLE = (
    listed("""
    full_name fullname patient_name name_of_patient customer_name client_name employee_name contact_name
    account_holder account_name cardholder cardholder_name card_holder beneficiary_name policyholder insured_name
    named_insured recipient's_name employee's_name agent_name your_name legal_name signed_by prepared_by
    """),
    listed("""
    bill_to billed_to ship_to sold_to attn attention patient physician doctor attending_physician applicant tenant
    landlord borrower employee emergency_contact next_of_kin spouse candidate kontoinhaber patientenname
    name_des_patienten versicherter ansprechpartner
    """),
    listed("""
    kundenname antragsteller nom_complet nom_et_prénom nom_du_patient titulaire nom_du_titulaire médecin assuré
    bénéficiaire nombre nombre_completo nombre_y_apellidos nombre_del_paciente paciente titular médico
    responsable_clínico responsable_clinico remitido_por médico_responsable autor remite nome_completo
    """),
    listed("""
    nome_e_cognome nome_do_paciente paziente intestatario medico utente titolare nome_do_titular médica
    volledige_naam naam naam_patiënt rekeninghouder arts imię_i_nazwisko pacjent pacjentka lekarz imiona_i_nazwisko
    właściciel_rachunku najemca wynajmujący sprzedający kupujący
    """),
    listed("""
    zleceniodawca pełnomocnik świadek powód pozwany wnioskodawca 氏名 患者名 患者氏名 担当医 検査依頼医 名前 姓名
    """),
)
INTRODUCTIONS = listed("""
my_name_is i_am_called the_name_is name's mein_name_ist ich_heiße ich_heisse je_m'appelle mon_nom_est me_llamo
mi_nombre_es mi_chiamo il_mio_nome_è o_meu_nome_é meu_nome_é chamo-me mijn_naam_is ik_heet nazywam_się mam_na_imię
spoke_with spoke_to yours_truly on_behalf_of_mr
""")
GREETINGS = listed("""
dear hi hello hey good_morning good_afternoon liebe lieber hallo cher chère bonjour querido querida estimado
estimada hola caro cara gentile ciao prezado prezada olá beste geachte drogi droga szanowny_panie szanowna_pani
cześć
""")
FAREWELLS = listed("""
regards best_regards kind_regards warm_regards sincerely yours_faithfully best_wishes cheers many_thanks
freundlichen_grüßen freundliche_grüße viele_grüße beste_grüße cordialement bien_à_vous salutations_distinguées
atentamente saludos un_saludo saludos_cordiales cordiali_saluti distinti_saluti cordialmente atenciosamente
com_os_melhores_cumprimentos cumprimentos met_vriendelijke_groet hoogachtend z_poważaniem pozdrawiam
""")
